package bankidapi_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"brygga/audit"
	"brygga/bankid/bankidsim"
	"brygga/login"
	"brygga/secret"
	"brygga/web/bankidapi"
)

// manyOrders is how many orders TestManyOrders has pending, and for how long each is held: BRYGGA_TEST_API_ORDERS=2000:170s.
const manyOrders = "BRYGGA_TEST_API_ORDERS"

// The ways in which orders end.
const (
	approved = iota
	declined
	cancelled
	unopened
	ways
)

// TestManyOrders has many orders pending for a while, over a BankID that fails, is slow and closes in between. Each of them ends once, in the way in which it
// was ended, whatever is asked meanwhile.
func TestManyOrders(t *testing.T) {
	count, hold := 40, 3*time.Second
	if text := os.Getenv(manyOrders); text != "" {
		number, length, _ := strings.Cut(text, ":")
		var err error
		count, err = strconv.Atoi(number)
		must(t, err)
		hold, err = time.ParseDuration(length)
		must(t, err)
	}
	h := newHouse(t, func(_ *bankidapi.Options, o *login.Options) { o.CollectEvery = 0 })
	key := h.key("app", everything...)
	trouble := h.trouble()
	began := time.Now()
	var pending, made atomic.Int64
	var all sync.WaitGroup
	turns := make(chan struct{}, 32)
	ends := make([]string, count)
	refs := make([]string, count)
	for i := range count {
		number := h.newPerson(i)
		turns <- struct{}{}
		all.Go(func() {
			ref := h.patiently(key, "/auth", fmt.Sprintf(`{"endUserIp":"10.%d.%d.7","personalNumber":%q}`, i/250, i%250, number))
			<-turns
			made.Add(1)
			pending.Add(1)
			refs[i], ends[i] = ref, h.run(key, ref, number, i%ways, hold)
			pending.Add(-1)
		})
	}
	t.Logf("%d orders made in %s, %d pending", made.Load(), time.Since(began).Round(time.Second), pending.Load())
	all.Wait()
	trouble()
	for i, end := range ends {
		want := []string{"complete", "failed userCancel", "failed cancelled", "failed startFailed"}[i%ways]
		if end != want {
			t.Errorf("order %d ended as %q, want %q", i, end, want)
		}
	}
	h.endedOnce(refs)
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	t.Logf("%d orders ended in %s; %d MiB of heap", count, time.Since(began).Round(time.Second), memory.HeapAlloc>>20)
}

// newPerson adds a person whom no other order knows.
func (h *house) newPerson(i int) string {
	h.t.Helper()
	digits, sum := fmt.Sprintf("%02d0101%03d", 50+i/900, 100+i%900), 0
	for at, digit := range digits {
		n := int(digit-'0') * (2 - at%2) // Luhn
		sum += n/10 + n%10
	}
	added, err := h.sim.AddPerson(bankidsim.Person{
		PersonalNumber: fmt.Sprintf("19%s%d", digits, (10-sum%10)%10), GivenName: "Test", Surname: "Person", BankIDs: []bankidsim.BankID{{Policy: bankidsim.PolicyMobile}},
	})
	must(h.t, err)
	return added.PersonalNumber
}

// trouble lets BankID fail in turns, until what it returns is called.
func (h *house) trouble() (end func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for n := 0; ; n++ {
			chaos := []bankidsim.Chaos{
				{Endpoint: "collect", Errors: 5}, {LatencyMS: 200, UnknownHints: true}, {Endpoint: "collect", Maintenance: 5}, {ExtraMembers: true}, {},
			}[n%5]
			if h.sim.SetChaos(chaos) != nil {
				return
			}
			select {
			case <-done:
				h.sim.SetChaos(bankidsim.Chaos{})
				return
			case <-time.After(700 * time.Millisecond):
			}
		}
	}()
	return func() { close(done); <-ended }
}

// patiently starts an order, again and again while it is told to wait.
func (h *house) patiently(key secret.String, path, body string) string {
	for {
		status, text := h.raw(key, path, body)
		if status == http.StatusOK {
			_, rest, _ := strings.Cut(text, `"id":"`)
			return rest[:36]
		}
		if status < 500 && status != http.StatusTooManyRequests {
			h.t.Errorf("start: %d %s", status, text)
			return ""
		}
		time.Sleep(time.Duration(500+rand.IntN(500)) * time.Millisecond)
	}
}

// raw asks without looking into the document, which would cost more than the answer.
func (h *house) raw(key secret.String, path, body string) (int, string) {
	request, err := http.NewRequest(http.MethodPost, h.url+bankidapi.Path+path, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("x-api-key", key.Reveal())
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return http.StatusServiceUnavailable, err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return http.StatusServiceUnavailable, err.Error()
	}
	return response.StatusCode, string(text)
}

// run holds the order for a while, ends it in that way, and returns how the API says that it ended.
func (h *house) run(key secret.String, ref, number string, way int, hold time.Duration) string {
	if ref == "" {
		return "not made"
	}
	own := h.orderOf(ref)
	if way != unopened {
		if _, err := h.sim.Scan(bankidsim.Pickup{OrderRef: own, PersonalNumber: number}); err != nil {
			return err.Error()
		}
	}
	over := time.Now().Add(hold - rand.N(hold/5)) // people do not press at the same moment
	for time.Now().Before(over) {
		if end := h.standing(key, ref); end != "pending" && way != unopened {
			return "too soon: " + end
		}
		time.Sleep(min(time.Until(over), 5*time.Second))
	}
	switch way {
	case approved:
		h.sim.Sign(own, bankidsim.Approval{})
	case declined:
		h.sim.Fail(own, "userCancel")
	case cancelled:
		h.raw(key, "/cancel", `{"orderRef":"`+ref+`"}`)
	case unopened:
		h.sim.Fail(own, "startFailed")
	}
	for range 60 {
		if end := h.standing(key, ref); end != "pending" {
			return end
		}
		time.Sleep(time.Second)
	}
	return "pending"
}

// standing returns how an order stands.
func (h *house) standing(key secret.String, ref string) string {
	status, text := h.raw(key, "/collect", `{"orderRef":"`+ref+`"}`)
	switch {
	case status != http.StatusOK:
		return fmt.Sprint(status, text)
	case strings.Contains(text, `"status":"pending"`):
		return "pending"
	case strings.Contains(text, `"status":"complete"`):
		return "complete"
	}
	_, rest, _ := strings.Cut(text, `"hintCode":"`)
	hint, _, _ := strings.Cut(rest, `"`)
	return "failed " + hint
}

// endedOnce looks into the audit log: each order was begun once and has ended once.
func (h *house) endedOnce(refs []string) {
	h.t.Helper()
	begun, ended := map[string]int{}, map[string]int{}
	events, err := h.store.AuditEvents(h.t.Context(), time.Now().Add(-time.Hour), time.Now().Add(time.Hour), 100_000)
	must(h.t, err)
	for _, e := range events {
		switch id := e.Fields["IDENTIFIER"]; audit.Type(e.Type) {
		case audit.LoginStarted:
			begun[id]++
		case audit.LoginCompleted, audit.LoginFailed, audit.LoginEnded:
			ended[id]++
		}
	}
	for _, ref := range refs {
		if id := loginID(h.t, ref); begun[id] != 1 || ended[id] != 1 {
			h.t.Errorf("order %s was begun %d times and ended %d times", ref, begun[id], ended[id])
		}
	}
}
