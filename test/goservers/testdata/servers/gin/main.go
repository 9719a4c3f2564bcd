// Command gin is a server with gin: parameters, groups, bound bodies, streams, files, and its recovery.
package main

import (
	"io"
	"log"
	"net/http"
	"strings"

	"example.com/servers/local"
	"github.com/gin-gonic/gin"
)

func main() {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.Use(gin.RecoveryWithWriter(io.Discard))
	r.GET("/hello", func(c *gin.Context) { c.String(http.StatusOK, "hello") })
	r.GET("/users/:name", func(c *gin.Context) {
		c.JSON(http.StatusOK, gin.H{"name": c.Param("name"), "asked": local.Ask("/hello"), "ip": c.ClientIP()})
	})
	r.POST("/users", func(c *gin.Context) {
		var user struct {
			Name string `json:"name" binding:"required"`
		}
		if err := c.ShouldBindJSON(&user); err != nil {
			c.JSON(http.StatusBadRequest, gin.H{"error": err.Error()})
			return
		}
		c.JSON(http.StatusCreated, user)
	})
	r.GET("/stream", func(c *gin.Context) {
		n := 0
		c.Stream(func(io.Writer) bool {
			c.SSEvent("tick", n)
			n++
			return n < 3
		})
	})
	r.GET("/reader", func(c *gin.Context) {
		c.DataFromReader(http.StatusOK, 5, "text/plain", strings.NewReader("hello"), nil)
	})
	r.GET("/panic", func(*gin.Context) { panic("oh") })
	named := r.Group("/named", func(c *gin.Context) { c.Request.Pattern = c.FullPath() }) // as one may, for whom it concerns
	named.GET("/:name", func(c *gin.Context) { c.String(http.StatusOK, c.Param("name")) })
	group := r.Group("/files")
	group.GET("/*path", func(c *gin.Context) { c.Redirect(http.StatusFound, "/hello") })
	log.Fatal(r.RunListener(local.Listen()))
}
