package op

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"brygga/storage"
)

// benchmarkClients is how many clients share the requests of a benchmark, as in an ordinary load.
const benchmarkClients = 32

// serveAll sends the requests without the network but with the store's steps. cpu-µs/op is the time of all cores in user and
// system mode.
func serveAll(b *testing.B, h *harness, requests []*http.Request) {
	handler := h.Handler()
	var next atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(benchmarkClients / 2)
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

// makeAll makes the requests of a benchmark side by side, so that their preparation shares the store's commits.
func makeAll(b *testing.B, request func() *http.Request) []*http.Request {
	requests := make([]*http.Request, b.N)
	var work sync.WaitGroup
	var next atomic.Int64
	for range benchmarkClients {
		work.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				requests[i-1] = request()
			}
		})
	}
	work.Wait()
	return requests
}

// BenchmarkCodeExchange redeems codes at the token endpoint.
func BenchmarkCodeExchange(b *testing.B) {
	h := newHarness(b, nil)
	serveAll(b, h, makeAll(b, func() *http.Request { return exchange(benchmarkCode(h, "web")) }))
}

// BenchmarkRefresh uses the first refresh token of many grants.
func BenchmarkRefresh(b *testing.B) {
	h := newHarness(b, nil)
	h.offline("web")
	serveAll(b, h, makeAll(b, func() *http.Request { return refreshing(benchmarkTokens(b, h).RefreshToken) }))
}

// BenchmarkUserinfo and BenchmarkIntrospect read the opaque access tokens of many grants.
func BenchmarkUserinfo(b *testing.B) {
	h := newHarness(b, nil)
	serveAll(b, h, makeAll(b, func() *http.Request {
		r := httptest.NewRequest(http.MethodGet, issuer+"/userinfo", nil)
		r.Header.Set("Authorization", "Bearer "+benchmarkTokens(b, h).AccessToken)
		return r
	}))
}

func BenchmarkIntrospect(b *testing.B) {
	h := newHarness(b, nil)
	serveAll(b, h, makeAll(b, func() *http.Request {
		return asWeb("/introspect", url.Values{"token": {benchmarkTokens(b, h).AccessToken}})
	}))
}

// benchmarkTokens redeems a code.
func benchmarkTokens(b *testing.B, h *harness) (answer tokens) {
	w := h.do(exchange(benchmarkCode(h, "web")))
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
		b.Errorf("%d %s", w.Code, w.Body)
	}
	return answer
}

// benchmarkCode returns a code, by the steps of the store alone.
func benchmarkCode(h *harness, clientID string) string {
	now := h.now()
	login := storage.Login{
		ID: storage.NewID(), State: storage.LoginOpen, Revision: 1, Created: now, Expires: now.Add(time.Hour), Request: &storage.AuthRequest{
			ClientID: clientID, RedirectURI: callback, ResponseMode: modeQuery, Scopes: []string{"openid", "profile", "offline_access"},
			CodeChallenge: challenge43, State: "state", Nonce: "nonce",
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
