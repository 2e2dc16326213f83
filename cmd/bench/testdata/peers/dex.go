package main

import (
	"context"
	"net/http"
	"time"

	"github.com/dexidp/dex/server"
	"github.com/dexidp/dex/storage"
	"github.com/dexidp/dex/storage/memory"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
)

// dex returns Dex, with its pages from that directory.
func dex(issuer string, a app, pages string) (http.Handler, error) {
	log := logrus.New()
	log.SetLevel(logrus.WarnLevel)
	store := storage.WithStaticClients(memory.New(log), []storage.Client{{ID: a.id, Secret: a.secret, Name: "bench", RedirectURIs: []string{a.redirectURI}}})
	store = storage.WithStaticConnectors(store, []storage.Connector{{ID: "mock", Type: "mockCallback", Name: "mock"}})
	return server.NewServer(context.Background(), server.Config{
		Issuer: issuer, Storage: store, SkipApprovalScreen: true, RotateKeysAfter: time.Hour, Web: server.WebConfig{Dir: pages},
		Logger: log, PrometheusRegistry: prometheus.NewRegistry(),
	})
}
