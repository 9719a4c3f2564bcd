// Command fiber is a server with fiber, which is built on fasthttp and not on net/http. It calls a server of net/http.
package main

import (
	"io"
	"log"
	"net"
	"net/http"

	"example.com/servers/local"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/gofiber/fiber/v2/middleware/recover"
)

func main() {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /inner", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "inner") })
	go http.Serve(inner, mux)

	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Use(recover.New())
	app.Get("/hello", func(c *fiber.Ctx) error { return c.SendString("hello") })
	app.Get("/users/:name", func(c *fiber.Ctx) error {
		return c.JSON(fiber.Map{"name": c.Params("name"), "asked": local.Ask("http://" + inner.Addr().String() + "/inner")})
	})
	app.Post("/users", func(c *fiber.Ctx) error { return c.Status(201).Send(c.Body()) })
	mux.HandleFunc("GET /adapted", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "adapted, "+local.Ask("http://"+inner.Addr().String()+"/inner"))
	})
	app.Get("/adapted", adaptor.HTTPHandler(mux))
	app.Get("/agent", func(c *fiber.Ctx) error {
		status, body, errs := fiber.Get("http://" + inner.Addr().String() + "/inner").String()
		return c.JSON(fiber.Map{"status": status, "body": body, "errors": len(errs)})
	})
	api := app.Group("/api", func(c *fiber.Ctx) error {
		c.Set("X-Group", "api")
		return c.Next()
	})
	api.Get("/v1/things/:id", func(c *fiber.Ctx) error { return fiber.NewError(fiber.StatusTeapot, c.Params("id")) })
	app.Get("/panic", func(*fiber.Ctx) error { panic("oh") })
	log.Fatal(app.Listener(local.Listen()))
}
