package main

import (
	"crypto/x509"
	"errors"
	"os"
	"strings"
	"time"

	"brygga/cmd/brygga/config"
	"brygga/login"
	"brygga/op"
	"brygga/tracing"
	"brygga/web"
)

// openTracer returns what sends traces, nil where nothing is traced.
func (s *server) openTracer() (*tracing.Tracer, error) {
	c := s.config.Tracing
	if !c.Used() {
		return nil, nil
	}
	roots, err := certificates(c.RootCAFile)
	if err != nil {
		return nil, fail(exitUsage, "name a file with certificates in PEM", "tracing.root_ca_file: %w", err)
	}
	return tracing.New(tracing.Options{
		Endpoint: c.Endpoint, Authorization: c.Authorization, Roots: roots, Share: 1 / float64(max(1, c.OneIn)), Version: buildVersion(),
		Failed: func(spans int) { s.metrics.lostSpans.Add(float64(spans)) }, Logger: s.log,
	})
}

// certificates returns the roots in the file, nil for those of the system when there is none.
func certificates(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, errors.New("it holds no certificate")
	}
	return roots, nil
}

// inspectTracing looks at what the section tracing names.
func inspectTracing(all *config.Config, f config.Findings) {
	if _, err := certificates(all.Tracing.RootCAFile); err != nil && f.Sound("tracing.root_ca_file") {
		f.Fault("tracing.root_ca_file", err.Error(), "name a file with certificates in PEM")
	}
}

// answered traces a request of a browser about a login.
func (s *server) answered(a web.Answered) {
	_, path, found := strings.Cut(a.Route, " ")
	if !found {
		path = a.Route
	}
	s.tracer.Record(&tracing.Span{
		Transaction: s.provider.TransactionID(a.Login, a.Client), Name: a.Method + " " + path, Root: a.Begins, Server: true, Began: a.Began, Took: a.Took,
		Failed: a.Status >= 500, Method: a.Method, Route: path, Status: a.Status, ClientID: a.Client, Reference: string(a.Reference), Traceparent: a.Traceparent,
	})
}

// loginStep measures a step of a login, and traces it.
func (s *server) loginStep(step login.Step) {
	s.metrics.loginStep(step)
	if s.tracer == nil {
		return
	}
	outcome := step.Outcome
	if !s.metrics.reasons[outcome] {
		outcome = "unknown"
	}
	asked := step.Name == login.StepOrder || step.Name == login.StepCollect
	s.tracer.Record(&tracing.Span{
		Transaction: s.provider.TransactionID(step.Login, step.Client), Name: step.Name, Root: step.Name == login.StepAsked, Client: asked, Began: step.Began, Took: step.Took, Failed: outcome != "" && asked,
		Outcome: outcome, ClientID: step.Client, Reference: string(step.Reference), Device: step.Device,
	})
}

// providerStep measures what the provider does with a login, and traces it.
func (s *server) providerStep(step op.Step) {
	s.metrics.providerStep(step)
	if s.tracer == nil {
		return
	}
	transaction := step.Transaction
	if step.Login != "" {
		transaction = s.provider.TransactionID(step.Login, step.Client)
	}
	s.tracer.Record(&tracing.Span{
		Transaction: transaction, Name: step.Name, Server: step.Name == op.StepToken, Began: step.Began, Took: step.Took, Failed: step.Outcome == "server_error",
		Outcome: step.Outcome, ClientID: step.Client, Grant: step.Grant,
	})
}

// traceTime is how long what is left of traces may take to be sent when the server ends.
const traceTime = 5 * time.Second
