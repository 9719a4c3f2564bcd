// Command echo5 is a server with the fifth release of echo.
package main

import (
	"errors"
	"io"
	"log"
	"log/slog"
	"net/http"

	"example.com/servers/local"
	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"
)

func main() {
	e := echo.New()
	e.Logger = slog.New(slog.DiscardHandler)
	e.Use(middleware.Recover())
	e.GET("/hello", func(c *echo.Context) error { return c.String(http.StatusOK, "hello") })
	e.GET("/users/:id", func(c *echo.Context) error {
		return c.JSON(http.StatusOK, map[string]string{"id": c.Param("id"), "asked": local.Ask("/hello")})
	})
	e.GET("/files/*", func(c *echo.Context) error { return c.String(http.StatusOK, c.Param("*")) })
	e.GET("/error", func(*echo.Context) error { return errors.New("oh") })
	e.GET("/stream", func(c *echo.Context) error {
		io.WriteString(c.Response(), "tick\n")
		return http.NewResponseController(c.Response()).Flush()
	})
	log.Fatal(http.Serve(local.Listen(), e))
}
