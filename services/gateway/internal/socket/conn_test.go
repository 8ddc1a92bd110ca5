package socket

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/nettest"
)

// pair gives both ends of a connection; ours is a Conn.
func pair(t *testing.T) (ours, theirs net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	theirs, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	ours = New(accepted)
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	return ours, theirs
}

func TestConn_isANetConn(t *testing.T) {
	t.Parallel()
	nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
		ours, theirs := pair(t)
		return ours, New(theirs), func() { ours.Close(); theirs.Close() }, nil
	})
}

// A deadline that was set for a wait that is over must not end one that began later.
func TestConn_aDeadlineThatWasChangedIsForgotten(t *testing.T) {
	t.Parallel()
	ours, theirs := pair(t)
	room := make([]byte, 8)
	first := time.Now().Add(500 * time.Millisecond)
	_ = ours.SetReadDeadline(first)
	time.AfterFunc(10*time.Millisecond, func() { _, _ = theirs.Write([]byte("a")) })
	if _, err := ours.Read(room); err != nil { // waits, so that the runtime has the deadline
		t.Fatal(err)
	}
	_ = ours.SetReadDeadline(time.Now().Add(10 * time.Second))
	<-time.After(time.Until(first.Add(10 * time.Millisecond)))
	time.AfterFunc(10*time.Millisecond, func() { _, _ = theirs.Write([]byte("b")) })
	if n, err := ours.Read(room); n != 1 || err != nil {
		t.Errorf("%d %v", n, err)
	}
}

// A server sets deadlines for each request; only those that something waits for cost a call.
func TestConn_deadlinesThatNothingWaitsForStayHere(t *testing.T) {
	t.Parallel()
	ours, theirs := pair(t)
	c, ok := ours.(*Conn)
	if !ok {
		t.Fatalf("%T", ours)
	}
	room := make([]byte, 1)
	for range 10 {
		_, _ = theirs.Write([]byte("ab"))
		_, _ = io.ReadFull(ours, room) // waits, perhaps
		before := c.in.applied
		_ = ours.SetReadDeadline(time.Now().Add(time.Minute))
		_, _ = io.ReadFull(ours, room) // does not
		_ = ours.SetReadDeadline(time.Now().Add(time.Hour))
		if !c.in.applied.Equal(before) {
			t.Fatalf("the runtime got %s", c.in.applied)
		}
	}
}

// What is there is not read after its deadline.
func TestConn_refusesAfterTheDeadline(t *testing.T) {
	t.Parallel()
	ours, theirs := pair(t)
	_, _ = theirs.Write([]byte("late"))
	_ = ours.SetDeadline(time.Now().Add(-time.Second))
	var named *net.OpError
	if n, err := ours.Read(make([]byte, 8)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &named) || named.Op != "read" {
		t.Errorf("read %d: %v", n, err)
	}
	if n, err := ours.Write([]byte("late")); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &named) || named.Op != "write" {
		t.Errorf("wrote %d: %v", n, err)
	}
}

// A reader that takes its time gets all; one that takes nothing ends the write when
// its deadline has come, and it is known how much went out.
func TestConn_writesMoreThanFits(t *testing.T) {
	t.Parallel()
	ours, theirs := pair(t)
	const much = 32 << 20
	_ = theirs.(*net.TCPConn).SetReadBuffer(1 << 20) // a kernel may make room for all of it
	got := make(chan int64)
	go func() {
		n, _ := io.CopyN(io.Discard, theirs, much)
		got <- n
	}()
	if n, err := ours.Write(make([]byte, much)); n != much || err != nil {
		t.Fatalf("wrote %d: %v", n, err)
	}
	if n := <-got; n != much {
		t.Fatalf("%d came", n)
	}
	_ = ours.SetWriteDeadline(time.Now().Add(time.Second))
	if n, err := ours.Write(make([]byte, much)); n == 0 || n >= much || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("nobody reads: wrote %d: %v", n, err)
	}
}

func TestConn_tellsTheEnd(t *testing.T) {
	t.Parallel()
	ours, theirs := pair(t)
	theirs.Close()
	if n, err := ours.Read(make([]byte, 8)); n != 0 || err != io.EOF { //nolint:errorlint // io.EOF itself, as io.Reader promises
		t.Errorf("%d %v", n, err)
	}
	ours.Close()
	if _, err := ours.Read(make([]byte, 8)); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

// What became of the other end is seen behind bytes that nobody has read, on Linux.
func TestConn_peer(t *testing.T) {
	t.Parallel()
	ours, theirs := pair(t)
	c, _ := ours.(*Conn)
	other, _ := theirs.(*net.TCPConn)
	until := func(want Peer) {
		t.Helper()
		for end := time.Now().Add(5 * time.Second); c.Peer() != want; {
			if time.Now().After(end) {
				t.Fatalf("%d, want %d", c.Peer(), want)
			}
		}
	}
	until(Here)
	if runtime.GOOS == "linux" {
		_, _ = other.Write([]byte("more"))
	}
	_ = other.CloseWrite()
	until(Ended)
	go func() { _, _ = c.Write(make([]byte, 256<<20)) }()
	until(Full)
	_ = other.SetLinger(0)
	other.Close()
	until(Gone)
	ours.Close()
	until(Gone)
}

// A connection that is closed under those who use it leaves the next one, which gets its
// number, alone.
func TestConn_thatIsClosedTouchesNoOther(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for lane := range 4 {
		all.Go(func() {
			for turn := range 20 {
				ours, theirs := pair(t)
				mark := []byte{byte(lane<<5 | turn&31)}
				var users sync.WaitGroup
				for range 2 { // still at work when the connection is closed
					users.Go(func() {
						for err := error(nil); err == nil; {
							_, err = ours.Write(mark)
						}
					})
					users.Go(func() {
						for err := error(nil); err == nil; {
							_, err = ours.Read(make([]byte, 1))
						}
					})
				}
				users.Go(func() {
					for i := range 20 {
						_ = ours.SetDeadline(time.Now().Add(time.Duration(i) * time.Minute))
					}
				})
				_, _ = theirs.Write([]byte("abc"))
				got := make([]byte, 16)
				n, err := io.ReadFull(theirs, got)
				ours.Close()
				if c, ok := ours.(*Conn); ok && c.Peer() != Gone {
					t.Error("another's end was looked at")
				}
				users.Wait()
				theirs.Close()
				if err != nil || !bytes.Equal(got[:n], bytes.Repeat(mark, 16)) {
					t.Errorf("%x came, not %x: %v", got[:n], mark, err)
				}
			}
		})
	}
	all.Wait()
}
