// Orders takes the shop's orders: it writes them down, has them paid, and takes the item from the stock, if there
// is one.
//
//	POST /orders        {"item": "apple", "price": 0.5, "customer": "…", "card": "…"}
//	GET  /orders/{id}
//
// No context is passed on to the database or to other services, as in much code that is around.
package main

import (
	"bytes"
	"cmp"
	"database/sql"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
)

type order struct {
	ID       int64   `json:"id"`
	Item     string  `json:"item"`
	Price    float64 `json:"price"`
	Customer string  `json:"customer,omitempty"`
	Card     string  `json:"card,omitempty"`
	Status   string  `json:"status"`
}

type service struct {
	db              *sql.DB
	payments, stock string // where these are; no stock if ""
}

func main() {
	db, err := sql.Open("ledger", "")
	if err != nil {
		log.Fatal(err)
	}
	s := &service{db: db, payments: os.Getenv("PAYMENTS_URL"), stock: os.Getenv("STOCK_URL")}
	http.HandleFunc("POST /orders", s.take)
	http.HandleFunc("GET /orders/{id}", s.show)
	l, err := net.Listen("tcp", "127.0.0.1:"+cmp.Or(os.Getenv("PORT"), "8082"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("orders answers at http://%s\n", l.Addr())
	log.Fatal(http.Serve(l, nil))
}

func (s *service) take(w http.ResponseWriter, r *http.Request) {
	var o order
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
		answer(w, http.StatusBadRequest, failure(err))
		return
	}
	result, err := s.db.Exec("INSERT INTO orders (item, price, customer, status) VALUES (?, ?, ?, ?)", o.Item, o.Price, o.Customer, "new")
	if err != nil {
		answer(w, http.StatusInternalServerError, failure(err))
		return
	}
	o.ID, _ = result.LastInsertId()
	o.Status = "paid"
	err = s.fulfil(o)
	if err != nil {
		o.Status = "failed"
	}
	if _, err := s.db.Exec("UPDATE orders SET status = ? WHERE id = ?", o.Status, o.ID); err != nil {
		answer(w, http.StatusInternalServerError, failure(err))
		return
	}
	if err != nil {
		answer(w, http.StatusBadGateway, failure(err))
		return
	}
	o.Customer, o.Card = "", ""
	answer(w, http.StatusCreated, o)
}

// fulfil has an order paid and reserved.
func (s *service) fulfil(o order) error {
	if err := post(s.payments+"/charges", map[string]any{"amount": o.Price, "card": o.Card}); err != nil {
		return err
	}
	if s.stock == "" {
		return nil
	}
	return post(s.stock+"/reservations", map[string]any{"item": o.Item})
}

func (s *service) show(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	o := order{ID: id}
	err := s.db.QueryRow("SELECT item, price, status FROM orders WHERE id = ?", id).Scan(&o.Item, &o.Price, &o.Status)
	switch {
	case err == sql.ErrNoRows:
		answer(w, http.StatusNotFound, map[string]string{"error": "no such order"})
	case err != nil:
		answer(w, http.StatusInternalServerError, failure(err))
	default:
		answer(w, http.StatusOK, o)
	}
}

// post asks another service.
func post(url string, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	response, err := http.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode < 400 {
		return nil
	}
	var said struct{ Error string }
	json.NewDecoder(response.Body).Decode(&said)
	return fmt.Errorf("%s: %s", response.Status, said.Error)
}

func failure(err error) map[string]string { return map[string]string{"error": err.Error()} }

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(value)
}
