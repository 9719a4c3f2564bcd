// Command echo is a server with echo: groups, middleware that recovers and compresses, and its own errors.
package main

import (
	"errors"
	"io"
	"log"
	"net/http"

	"example.com/servers/local"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

func main() {
	e := echo.New()
	e.HideBanner, e.HidePort, e.Listener = true, true, local.Listen()
	e.Logger.SetOutput(io.Discard)
	e.Use(middleware.Recover(), middleware.Gzip())
	e.GET("/hello", func(c echo.Context) error { return c.String(http.StatusOK, "hello") })
	g := e.Group("/api", middleware.CORS())
	g.GET("/users/:id", func(c echo.Context) error {
		return c.JSON(http.StatusOK, map[string]string{"id": c.Param("id"), "asked": local.Ask("/hello")})
	})
	g.POST("/users", func(c echo.Context) error {
		var user struct{ Name string }
		if err := c.Bind(&user); err != nil {
			return err
		}
		return c.JSONPretty(http.StatusCreated, user, "  ")
	})
	named := e.Group("/named", func(next echo.HandlerFunc) echo.HandlerFunc { // as one may, for whom it concerns
		return func(c echo.Context) error {
			c.Request().Pattern = c.Path()
			return next(c)
		}
	})
	named.GET("/:name", func(c echo.Context) error { return c.String(http.StatusOK, c.Param("name")) })
	e.GET("/error", func(echo.Context) error { return errors.New("oh") })
	e.GET("/teapot", func(echo.Context) error { return echo.NewHTTPError(http.StatusTeapot, "short and stout") })
	e.GET("/panic", func(echo.Context) error { panic("oh") })
	e.GET("/stream", func(c echo.Context) error {
		for range 3 {
			io.WriteString(c.Response(), "tick\n")
			c.Response().Flush()
		}
		return nil
	})
	log.Fatal(e.Start(""))
}
