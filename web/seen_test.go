package web_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestOrdersOfAPageThatNobodyLooksAt: an order is renewed while the browser asks for its page, as one without script does, or for its
// status. A click alone, or what is fetched ahead, is no look, and a stranger's is none.
func TestOrdersOfAPageThatNobodyLooksAt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		browser int
		method  string
		path    string
		headers []string
		every   time.Duration
		want    int
	}{
		{"nothing but the click", 0, "", "", nil, time.Hour, 1},
		{"the page, again and again", 0, "GET", "", nil, 2 * time.Second, 9},
		{"its status", 0, "GET", "/status", nil, 10 * time.Second, 9},
		{"its status, seldom", 0, "GET", "/status", nil, 2 * time.Minute, 4}, // each look brings one, which is renewed once
		{"the page, fetched ahead", 0, "GET", "", []string{"Sec-Purpose", "prefetch"}, 2 * time.Second, 1},
		{"its head", 0, "HEAD", "", nil, 2 * time.Second, 1},
		{"by a stranger", 1, "GET", "", nil, 2 * time.Second, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := setOut(t, setting{agents: [2]string{windowsPC, iPhone}, addresses: [2]string{attackersAddress, victimsAddress}})
				defer w.end()
				path := w.browsers[0].path
				w.step(step{do: "start", device: "other"})
				for begun := time.Now(); time.Since(begun)+tt.every <= 4*time.Minute; {
					time.Sleep(tt.every)
					w.send(tt.browser, tt.method, path+tt.path, "", tt.headers...)
				}
				time.Sleep(time.Second)
				synctest.Wait()
				if n := w.service.made(); n != tt.want {
					t.Errorf("%d orders in four minutes, want %d", n, tt.want)
				}
			})
		})
	}
}
