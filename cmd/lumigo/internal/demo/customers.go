package demo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// customers are who comes to the shop. They are not traced: traces begin at its door.
type customers struct {
	till string // URL that orders are posted to
}

// The prices are for orders, where there is no stock to ask.
var items = []struct {
	name  string
	price float64
}{
	{"apple", 0.5},
	{"pear", 20},    // slow
	{"cherry", 120}, // fails
}

// once buys one of each.
func (c customers) once(ctx context.Context) error {
	for i := range items {
		if err := c.buy(ctx, i); err != nil {
			return fmt.Errorf("the shop does not answer: %w", err)
		}
	}
	return nil
}

// come sends customers until ctx ends. What becomes of their orders is for the traces to show.
func (c customers) come(ctx context.Context) {
	const pace = 700 * time.Millisecond
	next := time.NewTicker(pace)
	defer next.Stop()
	for _, i := range endless(0, 0, 1, 0, 2) {
		select {
		case <-next.C:
			c.buy(ctx, i)
		case <-ctx.Done():
			return
		}
	}
}

// endless repeats a list.
func endless(list ...int) func(func(int, int) bool) {
	return func(yield func(int, int) bool) {
		for i := 0; yield(i, list[i%len(list)]); i++ {
		}
	}
}

// buy buys an item. The shop's refusal is no error.
func (c customers) buy(ctx context.Context, i int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.till, strings.NewReader(Order(i)))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// Order is what a customer sends to the till for the n-th item.
func Order(n int) string {
	return fmt.Sprintf(`{"item": %q, "price": %g, "customer": "Ada", "card": "4111111111111111"}`, items[n].name, items[n].price)
}
