// Command pocketbase is PocketBase with a collection, its API for records, and a route of its own. Its database is
// SQLite by way of database/sql.
package main

import (
	"log"
	"net/http"

	"example.com/servers/local"
	"github.com/pocketbase/pocketbase"
	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"
)

func main() {
	app := pocketbase.NewWithConfig(pocketbase.Config{DefaultDataDir: "data"})
	if err := app.Bootstrap(); err != nil {
		log.Fatal(err)
	}
	app.OnServe().BindFunc(func(e *core.ServeEvent) error {
		notes := core.NewBaseCollection("notes")
		notes.Fields.Add(&core.TextField{Name: "title", Required: true})
		notes.ListRule, notes.ViewRule, notes.CreateRule = types.Pointer(""), types.Pointer(""), types.Pointer("")
		if err := app.Save(notes); err != nil {
			return err
		}
		e.Router.GET("/hello/{name}", func(e *core.RequestEvent) error {
			return e.String(http.StatusOK, e.Request.PathValue("name")+" "+local.Ask("/api/health"))
		})
		e.Router.GET("/count", func(e *core.RequestEvent) error {
			n, err := app.CountRecords("notes")
			if err != nil {
				return err
			}
			return e.JSON(http.StatusOK, n)
		})
		e.InstallerFunc = nil
		e.Listener = local.Listen()
		return e.Next()
	})
	if err := apis.Serve(app, apis.ServeConfig{}); err != nil {
		log.Fatal(err)
	}
}
