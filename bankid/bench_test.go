package bankid

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"brygga/bankid/bankidsim"
	"brygga/secret"
)

// benchmarkPeer, in the environment, makes a process of this test binary the simulator that benchmarks call: what they count is then
// the client's alone.
const benchmarkPeer = "BANKID_BENCHMARK_PEER"

func TestMain(m *testing.M) {
	if os.Getenv(benchmarkPeer) != "" {
		servePeer()
	}
	os.Exit(m.Run())
}

// benchmarkPeerSays is what the simulator's process prints once it listens.
type benchmarkPeerSays struct {
	URL             string
	Cert, Key, Root []byte // PEM
}

// servePeer runs a simulator until standard input ends. The relying party's key is RSA, as banks make them.
func servePeer() {
	sim := must(bankidsim.New(bankidsim.Options{RSA: true}))
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	go sim.APIServer().ServeTLS(l, "", "")
	cert := sim.ClientCertificate()
	fmt.Println(string(must(json.Marshal(benchmarkPeerSays{
		URL: "https://" + l.Addr().String() + "/rp/v6.0", Cert: cert.CertPEM, Key: cert.KeyPEM, Root: sim.ServerRootPEM(),
	}))))
	io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// benchmarkAPI returns the client of a simulator in another process.
func benchmarkAPI(b *testing.B) *API {
	b.Helper()
	peer := exec.Command(must(os.Executable()))
	peer.Env = append(os.Environ(), benchmarkPeer+"=1")
	stdin, stdout := must(peer.StdinPipe()), must(peer.StdoutPipe())
	if err := peer.Start(); err != nil {
		b.Fatal(err)
	}
	var says benchmarkPeerSays
	if err := json.Unmarshal(must(bufio.NewReader(stdout).ReadBytes('\n')), &says); err != nil {
		b.Fatal(err)
	}
	cert := must(tls.X509KeyPair(says.Cert, says.Key))
	api := must(New(Options{BaseURL: says.URL, Certificate: CertificateSource{TLS: &cert}, RootCAsPEM: says.Root}))
	b.Cleanup(func() {
		api.Close()
		stdin.Close()
		peer.Wait()
	})
	return api
}

// callers is how many call at once in a benchmark, per processor.
const callers = 16

// measure runs call in parallel. cpu-µs/op is this process's time of all cores in user and system mode.
func measure(b *testing.B, call func() error) {
	b.Helper()
	b.ReportAllocs()
	b.SetParallelism(callers)
	var warm sync.WaitGroup
	for range callers {
		warm.Go(func() { call() })
	}
	warm.Wait()
	b.ResetTimer()
	before := cpu()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := call(); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64((cpu()-before).Nanoseconds())/1e3/float64(b.N), "cpu-µs/op")
}

func cpu() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkCollect asks for pending orders.
func BenchmarkCollect(b *testing.B) {
	a := benchmarkAPI(b)
	var mu sync.Mutex
	var order Order
	pending := func(gone secret.String) (secret.String, error) {
		mu.Lock()
		defer mu.Unlock()
		if !order.OrderRef.Equal(gone) {
			return order.OrderRef, nil
		}
		var err error
		order, err = a.Auth(b.Context(), AuthRequest{EndUserIP: endUser})
		return order.OrderRef, err
	}
	measure(b, func() error {
		mu.Lock()
		ref := order.OrderRef
		mu.Unlock()
		for {
			c, err := CollectResponse{}, error(nil)
			if !ref.IsZero() {
				if c, err = a.Collect(b.Context(), ref); c.Status == StatusPending {
					return err
				}
			}
			if ref, err = pending(ref); err != nil { // nobody picked it up within its half minute
				return err
			}
		}
	})
}

// BenchmarkAuth starts orders as a login does.
func BenchmarkAuth(b *testing.B) {
	a := benchmarkAPI(b)
	request := AuthRequest{
		EndUserIP: endUser, UserVisibleData: "Logga in på Exempeltjänsten", UserNonVisibleData: make([]byte, 32),
		ReturnURL: secret.New("https://id.example.se/bankid/return#n=Zt3k9Qm1"), ReturnRisk: true,
		Requirement: Requirement{CertificatePolicies: []string{PolicyTestMobile}},
		Web:         &Web{ReferringDomain: "example.se", UserAgent: "Mozilla/5.0 (made up)", DeviceIdentifier: secret.New("6f0d2c3a")},
	}
	measure(b, func() error {
		_, err := a.Auth(b.Context(), request)
		return err
	})
}
