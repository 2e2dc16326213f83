package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"rsc.io/qr/coding"
)

// pendingStream is an event stream that is read for as long as it lasts. It is read from a bare connection and without a copy of what
// comes, so that ten thousand of them cost this process little.
type pendingStream struct {
	conn net.Conn

	mu sync.Mutex
	// order and second are those of the last frame.
	order                  *madeOrder
	second                 int
	frames, skipped, wrong int
	late                   []time.Duration
	// ages are how old orders were when a newer one took their place.
	ages []time.Duration
	over bool
}

// listen asks for the events of the page.
func (h *held) listen(v *visit, page string) (*pendingStream, error) {
	u, err := url.Parse(page)
	if err != nil {
		return nil, err
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequest(http.MethodGet, page+"/events?view=qr-wait", nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", userAgent)
	request.Header.Set("Accept-Language", "sv-SE,sv;q=0.9")
	for name, value := range v.cookies {
		request.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return &pendingStream{conn: conn}, request.Write(conn)
}

// follow reads the stream until it ends.
func (h *held) follow(s *pendingStream) {
	defer s.conn.Close()
	err := s.read(h)
	if h.window.Load() == 1<<62 {
		return // all is over
	}
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	h.note("stream: " + err.Error())
}

var (
	eventEnd = []byte("\n\n")
	qrBegin  = []byte(`"qr":"`)
	viewOf   = []byte(`"view":"`)
	statusOK = []byte("HTTP/1.1 200 ")
)

func (s *pendingStream) read(h *held) error {
	buffer := make([]byte, 0, 2<<10)
	began := false
	last := ""
	for {
		if len(buffer) == cap(buffer) {
			buffer = append(make([]byte, 0, 2*cap(buffer)), buffer...)
		}
		n, err := s.conn.Read(buffer[len(buffer):cap(buffer)])
		came := time.Now()
		buffer = buffer[:len(buffer)+n]
		if err != nil {
			return fmt.Errorf("%w after %s", err, last)
		}
		if !began && !bytes.HasPrefix(buffer, statusOK) {
			return errors.New("answered otherwise")
		}
		began = true
		for {
			event, rest, whole := bytes.Cut(buffer, eventEnd)
			if !whole {
				break
			}
			if _, view, ok := bytes.Cut(event, viewOf); ok {
				name, _, _ := bytes.Cut(view, []byte(`"`))
				if last != string(name) {
					last = string(name)
				}
			}
			if _, frame, ok := bytes.Cut(event, qrBegin); ok {
				frame, _, _ = bytes.Cut(frame, []byte(`"`))
				s.frame(h, frame, came)
			}
			buffer = buffer[:copy(buffer, rest)]
		}
	}
}

// frame judges a frame that came.
func (s *pendingStream) frame(h *held, picture []byte, came time.Time) {
	order, second, ok := h.service.identify(picture)
	s.mu.Lock()
	defer s.mu.Unlock()
	before, beforeSecond := s.order, s.second
	s.order, s.second = order, second
	if came.UnixNano() < h.window.Load() || h.window.Load() == 0 {
		return
	}
	s.frames++
	if !ok {
		s.wrong++
		return
	}
	if before != nil && order != before {
		s.ages = append(s.ages, order.answered.Sub(before.answered))
	}
	if order == before && second > beforeSecond+1 {
		s.skipped += second - beforeSecond - 1
	}
	s.late = append(s.late, came.Sub(order.answered)-time.Duration(second)*time.Second)
}

// identify reads a frame and returns the order and the second that it is of. It reports false for a frame that BankID would not know.
func (s *service) identify(picture []byte) (order *madeOrder, second int, ok bool) {
	text, err := quickQR(picture)
	if err != nil {
		return nil, 0, false
	}
	parts := strings.Split(text, ".")
	if len(parts) != 4 || parts[0] != "bankid" {
		return nil, 0, false
	}
	order = s.order(parts[1])
	second, err = strconv.Atoi(parts[2])
	if order == nil || err != nil {
		return nil, 0, false
	}
	mac := hmac.New(sha256.New, []byte(order.QRStartSecret))
	mac.Write([]byte(parts[2]))
	return order, second, hex.EncodeToString(mac.Sum(nil)) == parts[3]
}

// modules tells where in a code of version 6, level L and mask 0, which is what brygga makes of BankID's texts, each bit of the data stands,
// and which of them are inverted. Its two blocks of data stand one after the other in the plan, as the text does.
var modules = sync.OnceValue(func() (bits []struct {
	at     int
	invert bool
}) {
	plan, err := coding.NewPlan(6, coding.L, 0)
	if err != nil {
		panic(err)
	}
	bits = make([]struct {
		at     int
		invert bool
	}, plan.DataBytes*8)
	for y, row := range plan.Pixel {
		for x, pixel := range row {
			if pixel.Role() == coding.Data && int(pixel.Offset()) < len(bits) {
				bits[pixel.Offset()].at, bits[pixel.Offset()].invert = y*len(row)+x, pixel&coding.Black != 0
			}
		}
	}
	return bits
})

// quickQR reads the text of a frame without looking at its error correction: a reader of pictures would take a thousand times as long.
func quickQR(picture []byte) (string, error) {
	code := make([]byte, base64.StdEncoding.DecodedLen(len(picture)))
	n, err := base64.StdEncoding.Decode(code, picture)
	if err != nil {
		return "", err
	}
	code = code[:n]
	bits := modules()
	if len(code)*8 < 41*41 {
		return "", errors.New("a smaller code")
	}
	bit := func(i int) byte {
		m := bits[i]
		dark := code[m.at/8]&(0x80>>(m.at%8)) != 0
		if dark != m.invert {
			return 1
		}
		return 0
	}
	number := func(from, length int) (v int) {
		for i := range length {
			v = v<<1 | int(bit(from+i))
		}
		return v
	}
	length := number(4, 8)
	if number(0, 4) != 4 || 12+8*length > len(bits) {
		return "", errors.New("no text of bytes")
	}
	text := make([]byte, length)
	for i := range text {
		text[i] = byte(number(12+8*i, 8))
	}
	return string(text), nil
}
