package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"brygga/secret"
	"brygga/storage"
	"brygga/storage/storagetest"
)

// scales are how many clients are stored, and as many grants, codes, tokens of either kind and sessions.
var scales = []int{1_000, 1_000_000}

// BenchmarkScale compares what a step costs when little is stored and when much is: it is not to grow. Steps that write come
// from many callers at once, who share commits; cpu-µs/op is what the whole process used. The large file takes minutes to
// build, and some 5 GB of disk. What a run adds is small beside that: give it a number of steps, such as -benchtime 5000x.
func BenchmarkScale(b *testing.B) {
	for _, n := range scales {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f := newFull(b, n)
			b.Run("Open", func(b *testing.B) { f.benchmarkOpen(b, false) })
			b.Run("OpenAfterKill", func(b *testing.B) { f.benchmarkOpen(b, true) })
			for _, step := range []struct {
				name    string
				callers int // for each processor
				run     func(ctx context.Context, i int) error
			}{
				{"ClientCached", 1, func(ctx context.Context, _ int) error { _, err := f.Client(ctx, clientID(7)); return err }},
				{"Client", 1, func(ctx context.Context, i int) error { _, err := f.Client(ctx, clientID(f.at(i))); return err }},
				{"OriginRegistered", 1, f.origin},
				{"AccessToken", 1, func(ctx context.Context, i int) error {
					_, _, err := f.AccessToken(ctx, key('t', f.at(i)), f.now)
					return err
				}},
				{"RefreshToken", 1, func(ctx context.Context, i int) error {
					_, _, err := f.RefreshToken(ctx, key('r', f.at(i)), f.now)
					return err
				}},
				{"Session", 1, func(ctx context.Context, i int) error { _, err := f.Session(ctx, key('s', f.at(i)), f.now); return err }},
				{"RedeemCode", 64, f.redeem},
				{"RotateRefreshToken", 64, func(ctx context.Context, i int) error { return f.rotate(ctx, i, i%f.n) }},
				{"RotateRefreshTokenOfAnyAge", 64, func(ctx context.Context, i int) error { return f.rotate(ctx, i, f.at(i)) }},
				{"AnswerFromSession", 64, f.answer},
				{"UseOnce", 64, f.useOnce},
			} {
				b.Run(step.name, func(b *testing.B) { f.benchmark(b, step.callers, step.run) })
			}
		})
	}
}

// full is a store with n records of each kind, numbered from 0.
type full struct {
	*Store
	path  string
	n     int
	now   time.Time
	order []int // a permutation, in which the steps go through the records
	fresh int   // numbers from here on were not used
	// families holds the number of each family's live refresh token.
	families []atomic.Int64
}

func (f *full) at(i int) int { return f.order[i%f.n] }

func clientID(i int) string { return fmt.Sprintf("client-%08d", i) }
func grantID(i int) string  { return fmt.Sprintf("grant-%08d", i) }

// key returns the hash of the token of that kind and number, as storage.TokenHash makes it when 1000 are made in a second.
func key(kind byte, i int) [32]byte {
	hash := secret.New(string(binary.BigEndian.AppendUint64([]byte{kind}, uint64(i)))).Hash()
	binary.BigEndian.PutUint32(hash[:], uint32(i/1000))
	binary.BigEndian.PutUint16(hash[4:], uint16(i%1000<<16/1000))
	return hash
}

func (f *full) benchmark(b *testing.B, callers int, run func(context.Context, int) error) {
	f.putGrants(b, f.fresh, f.fresh+b.N)
	b.SetParallelism(callers)
	var next atomic.Int64
	before := cpuTime(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := run(b.Context(), int(next.Add(1))-1); err != nil {
				b.Error(err)
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
	f.fresh += b.N
}

func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// benchmarkOpen opens the store again after it was closed, or left as when its process is killed. It is done a few times only. It
// reports the memory of an open store.
func (f *full) benchmarkOpen(b *testing.B, killed bool) {
	heap := func() float64 {
		runtime.GC()
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		return float64(memory.HeapAlloc) / (1 << 20)
	}
	before := 0.0
	for range min(b.N, 5) {
		b.StopTimer()
		f.fresh++
		if err := f.useOnce(b.Context(), 0); err != nil { // a commit since it was opened
			b.Fatal(err)
		}
		f.broken.Store(killed) // such a store writes nothing more
		if err := f.Store.Close(); err != nil {
			b.Fatal(err)
		}
		f.Store = nil
		before = heap()
		b.StartTimer()
		f.open(b)
	}
	b.StopTimer()
	b.ReportMetric(b.Elapsed().Seconds()*1000/float64(min(b.N, 5)), "ms/open")
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(heap()-before, "heap-MB")
}

func (f *full) origin(ctx context.Context, i int) error {
	_, err := f.OriginRegistered(ctx, "https://"+clientID(f.at(i))+".example")
	return err
}

// after returns the time that lies so far after the moment when the record of that number was made: they come one by one.
func (f *full) after(life time.Duration, i int) time.Time {
	return f.now.Add(life + time.Duration(i)*time.Microsecond)
}

// token and refreshed return the new tokens of that number.
func (f *full) token(i int) storage.AccessToken {
	return storage.AccessToken{Hash: key('t', i), Expires: f.after(10*time.Minute, i)}
}

func (f *full) refreshed(i int) storage.RefreshToken {
	return storage.RefreshToken{Hash: key('r', i), Expires: f.after(time.Hour, i)}
}

// redeem redeems the newest codes, as they live for a minute.
func (f *full) redeem(ctx context.Context, i int) error {
	i += f.fresh
	_, err := f.RedeemCode(ctx, storage.Redemption{
		CodeHash: key('c', i), ClientID: clientID(f.at(i)), RedirectURI: "https://app.example/callback", Now: f.now,
		Token: f.token(i), Refresh: f.refreshed(i),
	})
	return err
}

// rotate uses the family's refresh token. Families whose tokens were given at about the same time use them at about the same time
// again, and lie together.
func (f *full) rotate(ctx context.Context, i, family int) error {
	used := f.families[family].Swap(int64(f.fresh + i))
	_, err := f.RotateRefreshToken(ctx, storage.Rotation{
		Hash: key('r', int(used)), ClientID: clientID(f.at(family)), Now: f.now,
		Next: f.refreshed(f.fresh + i), Token: f.token(f.fresh + i),
	})
	return err
}

// answer answers from sessions of any age.
func (f *full) answer(ctx context.Context, i int) error {
	code, grant := f.granted(f.fresh + i)
	code.Hash, grant.ID, grant.Offline = key('a', f.fresh+i), "s"+grant.ID, false
	code.GrantID = grant.ID
	return f.AnswerFromSession(ctx, fmt.Sprintf("session-%08d", f.at(i)), f.now, code, grant, []string{"name"}, f.after(0, f.fresh+i))
}

func (f *full) useOnce(ctx context.Context, i int) error {
	return f.UseOnce(ctx, key('u', f.fresh+i), f.after(time.Minute, f.fresh+i), f.now)
}

// granted returns the code and the offline grant of that number.
func (f *full) granted(i int) (storage.Code, storage.Grant) {
	sid := secret.New(grantID(i)).Hash()
	grant := storage.Grant{
		ID: grantID(i), ClientID: clientID(f.at(i)), SessionID: hex.EncodeToString(sid[:16]), TransactionID: "FBp7X2yHcG0kLm4Qw9tZ1A",
		Subject: "Zk3uV9mRq0sXb7eJ1yT5hL8cN2wP6aD4gF0iKoUvBxE", Scopes: []string{"openid", "profile", "offline_access"}, Nonce: "n-0S6_WzA2Mj",
		ACR: "http://id.swedenconnect.se/loa/1.0/uncertified-loa3", AMR: []string{"bankid", "mfa"}, AuthTime: f.now, Identity: scaleIdentity,
		Offline: true, Created: f.now, Expires: f.after(24*time.Hour, i),
	}
	return storage.Code{
		Hash: key('c', i), GrantID: grant.ID, ClientID: grant.ClientID, Redirect: "https://app.example/callback", Expires: f.after(time.Minute, i),
	}, grant
}

var scaleIdentity = storage.Identity{
	Method: "bankid", PersonalNumber: secret.New("199002304567"), Name: secret.New("Kim Larsson"), GivenName: secret.New("Kim"),
	Surname: secret.New("Larsson"), DeviceIP: "192.0.2.8", IssueDate: "2024-02-29", Risk: "low",
}

// newFull makes the store by writing its buckets one after the other, each in the order of its keys.
func newFull(b *testing.B, n int) *full {
	f := &full{path: filepath.Join(b.TempDir(), "brygga.db"), n: n, now: time.Now().UTC().Truncate(time.Microsecond), fresh: n}
	f.families = make([]atomic.Int64, n)
	for i := range f.families {
		f.families[i].Store(int64(i))
	}
	f.order = rand.New(rand.NewPCG(1, 2)).Perm(n)
	f.open(b)
	b.Cleanup(func() { f.Store.Close() })
	f.fill(b, 0, n, 0, func(t *tx, i int) error {
		client := storage.Client{
			ID: clientID(i), Name: "The app of the municipality", AuthMethod: storage.AuthMethodBasic, Secrets: make([]storage.ClientSecret, 1),
			RedirectURIs: []string{"https://app.example/callback"}, PostLogoutRedirectURIs: []string{"https://app.example/"},
			Scopes: []string{"profile", "offline_access"}, IDTokenAlg: storage.ES256, SubjectType: storage.SubjectPairwise, Sector: "app.example",
			Origins: []string{"https://" + clientID(i) + ".example"}, Created: f.now, Updated: f.now, Revision: 1,
		}
		return f.putClient(t, uint64(i+1), nil, &client)
	})
	f.putGrants(b, 0, n)
	f.fill(b, 0, n, 't', func(t *tx, i int) error {
		return putNewToken(t, f.token(i), grantID(i))
	})
	f.fill(b, 0, n, 'r', func(t *tx, i int) error {
		_, grant := f.granted(i)
		token := f.refreshed(i).First(&grant)
		return putFirstRefresh(t, &token, grant.Expires)
	})
	f.fill(b, 0, n, 's', func(t *tx, i int) error {
		session := storage.Session{
			ID: fmt.Sprintf("session-%08d", i), CookieHash: key('s', i), Group: "city", Identity: scaleIdentity, LoginID: "FBp7X2yHcG0kLm4Qw9tZ1A",
			ACR: "http://id.swedenconnect.se/loa/1.0/uncertified-loa3", AMR: []string{"bankid", "mfa"}, AuthTime: f.now,
			Released: map[string][]string{clientID(i): {"name", "personalNumber"}}, Created: f.now, Used: f.after(0, i), IdleLife: 30 * time.Minute,
			Expires: f.after(time.Hour, i),
		}
		return f.putSession(t, nil, &session)
	})
	return f
}

// putGrants stores the grants of these numbers, and their codes, which are not redeemed.
func (f *full) putGrants(b *testing.B, from, to int) {
	f.fill(b, from, to, 0, func(t *tx, i int) error {
		_, grant := f.granted(i)
		return f.putNewGrant(t, &grant, grant.Expires)
	})
	f.fill(b, from, to, 'c', func(t *tx, i int) error {
		code, grant := f.granted(i)
		return f.putNewCode(t, code, grant.Expires)
	})
}

func (f *full) open(b *testing.B) {
	store, err := Open(f.path, storagetest.FixedSealer("scale"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	f.Store = store
}

// fill puts the records from from to to, in the order of their keys of that kind, or in their own for kind 0.
func (f *full) fill(b *testing.B, from, to int, kind byte, put func(*tx, int) error) {
	b.Helper()
	numbers := make([]int, 0, to-from)
	for i := from; i < to; i++ {
		numbers = append(numbers, i)
	}
	if kind != 0 {
		keys := make([][32]byte, to-from)
		for i := range keys {
			keys[i] = key(kind, from+i)
		}
		slices.SortFunc(numbers, func(i, j int) int { return bytes.Compare(keys[i-from][:], keys[j-from][:]) })
	}
	f.db.NoSync = true
	defer func() { f.db.NoSync = false }()
	for batch := range slices.Chunk(numbers, 10_000) {
		btx, err := f.db.Begin(true)
		if err != nil {
			b.Fatal(err)
		}
		t := &tx{btx: btx}
		for id := range bucketCount {
			t.bucket(id).FillPercent = 0.9
		}
		for _, i := range batch {
			if err := put(t, i); err != nil {
				b.Fatal(errors.Join(err, btx.Rollback()))
			}
		}
		if err := f.commitKept(t); err != nil {
			b.Fatal(err)
		}
	}
}
