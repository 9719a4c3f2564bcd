// Command etcd is a member of etcd, alone in its cluster, with its API over HTTP: a grpc-gateway before its own gRPC.
package main

import (
	"log"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"example.com/servers/local"
	"go.etcd.io/etcd/server/v3/embed"
)

func main() {
	config := embed.NewConfig()
	config.Dir, config.LogLevel = "data", "error"
	config.ListenClientUrls = []url.URL{{Scheme: "http", Host: local.Free()}} // at port 0 the gateway would not find etcd
	config.ListenPeerUrls = []url.URL{{Scheme: "http", Host: local.Free()}}
	config.AdvertiseClientUrls, config.AdvertisePeerUrls = config.ListenClientUrls, config.ListenPeerUrls
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		log.Fatal(err)
	}
	<-etcd.Server.ReadyNotify()
	local.Say(config.ListenClientUrls[0].String())
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	<-end
	etcd.Close()
}
