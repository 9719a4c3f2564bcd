// Command fiber3 is a server with the third release of fiber, with a context of its own and without.
package main

import (
	"log"

	"example.com/servers/local"
	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/recover"
)

type custom struct{ fiber.DefaultCtx }

func main() {
	inner := fiber.NewWithCustomCtx(func(app *fiber.App) fiber.CustomCtx { return &custom{*fiber.NewDefaultCtx(app)} })
	inner.Get("/inner/:name", func(c fiber.Ctx) error { return c.SendString("inner " + c.Params("name")) })
	l := local.Listen()
	base := "http://" + l.Addr().String()
	app := fiber.New()
	app.Use(recover.New())
	app.Get("/hello", func(c fiber.Ctx) error { return c.SendString("hello") })
	app.Get("/users/:name", func(c fiber.Ctx) error {
		return c.JSON(fiber.Map{"name": c.Params("name"), "asked": local.Ask(base + "/hello")})
	})
	app.Get("/inner/*", func(c fiber.Ctx) error {
		inner.Handler()(c.RequestCtx())
		return nil
	})
	app.Get("/panic", func(fiber.Ctx) error { panic("oh") })
	log.Fatal(app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true}))
}
