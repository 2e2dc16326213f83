package op

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"brygga/storage"
)

// BenchmarkCodeExchange redeems codes at the token endpoint, without the network but with the store's commits. As many
// clients as an ordinary load has share them. cpu-µs/op is the time of all cores in user and system mode, the harness's
// requests included.
func BenchmarkCodeExchange(b *testing.B) {
	const clients = 32
	h := newHarness(b, nil)
	requests := make([]*http.Request, b.N)
	var work sync.WaitGroup
	var next atomic.Int64
	for range clients {
		work.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				requests[i-1] = exchange(benchmarkCode(h))
			}
		})
	}
	work.Wait()
	handler := h.Handler()
	next.Store(0)
	b.ReportAllocs()
	b.SetParallelism(clients / 2)
	b.ResetTimer()
	before := cpu(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			w := httptest.NewRecorder()
			if handler.ServeHTTP(w, requests[next.Add(1)-1]); w.Code != http.StatusOK {
				b.Errorf("%d %s", w.Code, w.Body)
			}
		}
	})
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

// benchmarkCode returns a code, by the steps of the store alone.
func benchmarkCode(h *harness) string {
	now := h.now()
	login := storage.Login{
		ID: randomID(), State: storage.LoginOpen, Revision: 1, Created: now, Expires: now.Add(time.Hour), Request: storage.AuthRequest{
			ClientID: "web", RedirectURI: callback, ResponseMode: modeQuery, Scopes: []string{"openid", "profile"}, CodeChallenge: challenge43,
			State: "state", Nonce: "nonce",
		},
	}
	if err := h.store.CreateLogin(h.t.Context(), login); err != nil {
		h.t.Error(err)
	}
	w := h.answer(h.complete(&login, person))
	_, answer := redirected(h.t, w)
	return answer.Get("code")
}

// cpu returns the processor time that the process has used.
func cpu(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
