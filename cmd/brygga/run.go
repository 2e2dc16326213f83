package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// How long a client may take, in each direction. A page's event stream sets deadlines of its own.
const (
	headerTime = 10 * time.Second
	readTime   = 20 * time.Second
	writeTime  = time.Minute
	idleTime   = 2 * time.Minute
	// maxHeader leaves room for the longest request that the site reads.
	maxHeader = 96 << 10
)

// shutdownTime is how long requests may take to finish once the server is told to stop.
const shutdownTime = 20 * time.Second

const (
	maintainEvery = time.Minute
	sweepEvery    = 10 * time.Second
	sweepBatch    = 500
)

// listeners are what a server listens on. Those of the public may be several, for localhost has two addresses.
type listeners struct {
	public []net.Listener
	admin  []net.Listener
}

func (l listeners) close() {
	for _, listener := range slices.Concat(l.public, l.admin) {
		listener.Close()
	}
}

// run serves until ctx is done, and then ends what it began, in order: no new connections, the requests under way, the
// workers, the store. It returns nil when all was closed.
func (s *server) run(ctx context.Context, on listeners) error {
	management, err := s.newManagement(ctx)
	if err != nil {
		return errors.Join(err, s.close())
	}
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	var workers sync.WaitGroup
	workers.Go(func() { s.engine.Run(work) })
	workers.Go(func() { s.provider.Run(work) })
	workers.Go(func() { s.every(work, maintainEvery, s.maintain) })
	workers.Go(func() { s.every(work, sweepEvery, s.sweep) })
	workers.Go(func() { s.every(work, signEvery, s.signAudit) })
	workers.Go(func() { s.every(work, bannerEvery, s.lookAtBanner) })
	workers.Go(func() { s.every(work, alarmEvery, s.lookForAlarms) })
	for _, one := range s.sinks {
		workers.Go(func() { one.Run(work) })
	}
	workers.Go(func() { giveBack(work) })
	workers.Go(func() { s.reloads(work) })
	if s.mail != nil {
		workers.Go(func() { s.mail.Run(work) })
	}
	workers.Go(func() { s.every(work, certificateEvery, s.warnCertificates) })
	if s.listener != nil {
		workers.Go(func() { s.every(work, certificateEvery, s.warnListener) })
		workers.Go(func() { s.every(work, renewalEvery, s.warnRenewal) })
	}

	public := &http.Server{
		Handler: s.outside(management), ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeader, ErrorLog: errorLog(s.log),
	}
	public.RegisterOnShutdown(s.endStreams)
	// Profiles are written for as long as the operator asks, so there is no WriteTimeout here.
	admin := &http.Server{Handler: s.operators(management), ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, ErrorLog: errorLog(s.log)}
	control := &http.Server{Handler: controlHandler(s.operator(), s.log), ReadHeaderTimeout: headerTime, ReadTimeout: readTime}

	failed := make(chan error, 8)
	var serving sync.WaitGroup
	serve := func(server *http.Server, listener net.Listener) {
		serving.Go(func() {
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("listen on %s: %w", listener.Addr(), err)
			}
		})
	}
	if s.socket != nil {
		serve(control, s.socket)
	}
	for _, listener := range on.public {
		serve(public, listener)
	}
	for _, listener := range on.admin {
		serve(admin, listener)
	}
	s.log.InfoContext(ctx, "ready", "issuer", s.config.Issuer, "listen", addresses(on.public), "admin_listen", addresses(on.admin), "version", buildVersion())
	if err := s.tellFirstLink(ctx); err != nil {
		s.log.ErrorContext(ctx, "no link for a first owner", "err", err)
	}
	s.manager.tell(managerReady)

	select {
	case <-ctx.Done():
	case err = <-failed:
		s.log.ErrorContext(ctx, "server failed", "err", err)
	}
	s.log.InfoContext(context.WithoutCancel(ctx), "shutting down")
	s.manager.tell(managerStopping)
	s.stopping.Store(true)
	stopped := shutdown(context.WithoutCancel(ctx), public, control, admin)
	serving.Wait()
	stopWork()
	workers.Wait()
	if ctx.Err() != nil {
		err = nil // told to stop: what failed before was logged
	}
	return errors.Join(err, stopped, s.close())
}

// shutdown lets the requests under way finish, one server after the other, and breaks them off when time is up.
func shutdown(ctx context.Context, servers ...*http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, shutdownTime)
	defer cancel()
	var broken error
	for _, server := range servers {
		if err := server.Shutdown(ctx); err != nil {
			broken = errors.Join(broken, fmt.Errorf("requests were broken off: %w", err), server.Close())
		}
	}
	return broken
}

// every calls do at once and then once in each interval, until ctx is done.
func (s *server) every(ctx context.Context, interval time.Duration, do func(context.Context)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		do(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// reloads reads the configuration again whenever that is asked for, until ctx is done.
func (s *server) reloads(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.hangUp:
			s.manager.reloading()
			s.reload(ctx)
			s.manager.tell(managerReady)
		}
	}
}

func (s *server) maintain(ctx context.Context) {
	err := s.ring.Maintain(ctx)
	if ctx.Err() != nil {
		return
	}
	if s.keeping.note(err, s.now()); err != nil {
		s.log.ErrorContext(ctx, "keys cannot be maintained", "err", err)
	}
}

// sweep removes what has expired, in batches, so that no login waits long behind one.
func (s *server) sweep(ctx context.Context) {
	for ctx.Err() == nil {
		removed, err := s.store.Sweep(ctx, s.now().UTC(), sweepBatch)
		if err != nil {
			if ctx.Err() == nil {
				s.log.ErrorContext(ctx, "storage failed", "doing", "sweep", "err", err)
			}
			return
		}
		s.metrics.swept.Add(float64(removed))
		if removed < sweepBatch {
			return
		}
	}
}

func addresses(all []net.Listener) []string {
	texts := make([]string, len(all))
	for i, l := range all {
		texts[i] = l.Addr().String()
	}
	return texts
}
