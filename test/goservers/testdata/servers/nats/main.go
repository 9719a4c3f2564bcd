// Command nats is a NATS server with its monitoring over HTTP, and a service at it that is called once at the start.
package main

import (
	"fmt"
	"log"
	"time"

	"example.com/servers/local"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

func main() {
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, HTTPHost: "127.0.0.1", HTTPPort: server.RANDOM_PORT,
		ServerName: "here", JetStream: true, StoreDir: ".", NoLog: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(30 * time.Second) {
		log.Fatal("it does not start")
	}
	conn, err := nats.Connect(s.ClientURL(), nats.Name("asker"))
	if err != nil {
		log.Fatal(err)
	}
	base := "http://" + s.MonitorAddr().String()
	conn.Subscribe("health", func(m *nats.Msg) { m.Respond([]byte(local.Ask(base + "/healthz"))) })
	answer, err := conn.Request("health", nil, 10*time.Second)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", answer.Data)
	local.Say(base)
	s.WaitForShutdown() // by SIGTERM, which the server handles
}
