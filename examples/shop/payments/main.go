// Payments charges the shop's customers.
//
//	POST /charges   {"amount": 0.5, "card": "…"}
//
// Large amounts take the bank a moment, and very large ones it refuses.
package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"
)

type charge struct {
	Amount float64 `json:"amount"`
	Card   string  `json:"card"`
}

// authorise asks the bank.
func authorise(c charge) error {
	switch {
	case c.Amount > 100:
		return errors.New("the bank refuses")
	case c.Amount > 10:
		time.Sleep(250 * time.Millisecond)
	}
	return nil
}

func main() {
	http.HandleFunc("POST /charges", func(w http.ResponseWriter, r *http.Request) {
		var c charge
		if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
			answer(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		if err := authorise(c); err != nil {
			answer(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
			return
		}
		answer(w, http.StatusCreated, map[string]float64{"charged": c.Amount})
	})
	l, err := net.Listen("tcp", "127.0.0.1:"+cmp.Or(os.Getenv("PORT"), "8083"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("payments answers at http://%s\n", l.Addr())
	log.Fatal(http.Serve(l, nil))
}

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(value)
}
