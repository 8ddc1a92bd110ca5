package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/codex-platform/codex/services/gateway/internal/strict"
)

// tap is a service that reads HTTP/1.1 by its letter only: what another program
// could read in another way is a fault to it.
type tap struct {
	net.Listener
	mu     sync.Mutex
	read   []message
	faults []string
}

// message is one request as its bytes say it.
type message struct{ line, head, body string }

func newTap(t testing.TB) *tap {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	p := &tap{Listener: l}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(conn)
		}
	}()
	return p
}

func (p *tap) url() string { return "http://" + p.Addr().String() }

func (p *tap) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		m, err := readMessage(in)
		p.mu.Lock()
		switch {
		case err == nil:
			p.read = append(p.read, m)
		case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, net.ErrClosed) && (m.line != "" || !errors.Is(err, syscall.ECONNRESET)):
			p.faults = append(p.faults, err.Error()+" in "+strconv.Quote(m.line+m.head))
		}
		p.mu.Unlock()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n")
	}
}

// all gives what was read whole and what could not be read.
func (p *tap) all() ([]message, []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.read), slices.Clone(p.faults)
}

// take is all, which is forgotten then.
func (p *tap) take() ([]message, []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	read, faults := p.read, p.faults
	p.read, p.faults = nil, nil
	return read, faults
}

var (
	plainRequest = regexp.MustCompile(`^[A-Z]+ /[!-~]* HTTP/1\.1$`)
	plainSize    = regexp.MustCompile(`^[0-9a-f]{1,8}$`)
)

// plainLine holds for a header line in the one form that RFC 9110 §5 and §5.6.2
// leave no doubt about.
func plainLine(line string) bool {
	name, value, found := strings.Cut(line, ": ")
	token := func(r rune) bool {
		return r > 0x7e || r <= ' ' || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", r)
	}
	return found && name != "" && !strings.ContainsFunc(name, token) && strings.Trim(value, " \t") == value &&
		!strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// readLine wants CR LF at the end and neither inside.
func readLine(in *bufio.Reader) (string, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return line, err
	}
	text, ok := strings.CutSuffix(line, "\r\n")
	if !ok || strings.ContainsAny(text, "\r\x00") {
		return line, errors.New("a line with another end than CR LF")
	}
	return text, nil
}

func readMessage(in *bufio.Reader) (m message, err error) {
	if m.line, err = readLine(in); err != nil {
		return m, err
	}
	if !plainRequest.MatchString(m.line) {
		return m, errors.New("no request line")
	}
	count, length, chunked := map[string]int{}, 0, false
	for {
		line, err := readLine(in)
		if err != nil {
			return m, err
		}
		if line == "" {
			break
		}
		m.head += line + "\n"
		if !plainLine(line) {
			return m, errors.New("no header line")
		}
		name, value, _ := strings.Cut(line, ": ")
		count[strings.ToLower(name)]++
		switch strings.ToLower(name) {
		case "content-length":
			if length, err = strconv.Atoi(value); err != nil || strconv.Itoa(length) != value {
				return m, errors.New("no length")
			}
		case "transfer-encoding":
			if chunked = value == "chunked"; !chunked {
				return m, errors.New("another coding than chunked")
			}
		}
	}
	if count["host"] != 1 || count["content-length"]+count["transfer-encoding"] > 1 || count["authorization"] > 1 {
		return m, errors.New("a header line too many or too few")
	}
	if !chunked {
		m.body, err = readBytes(in, length)
		return m, err
	}
	for {
		size, err := readLine(in)
		if err != nil {
			return m, err
		}
		if !plainSize.MatchString(size) {
			return m, errors.New("no chunk size")
		}
		n, _ := strconv.ParseInt(size, 16, 64)
		piece, err := readBytes(in, int(n))
		if err != nil {
			return m, err
		}
		if end, err := readLine(in); err != nil || end != "" {
			return m, errors.Join(errors.New("no end of a chunk"), err)
		}
		if m.body += piece; n == 0 {
			return m, nil
		}
	}
}

func readBytes(in *bufio.Reader, n int) (string, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(in, b)
	return string(b), err
}

// speak sends the bytes and gives the status of every answer until the end.
func (w *world) speak(text string) (statuses []int) {
	w.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(8 * time.Second))
	go func() { _, _ = io.WriteString(conn, text) }()
	in := bufio.NewReader(conn)
	method, _, _ := strings.Cut(text, " ")
	for {
		res, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			var late net.Error
			if errors.As(err, &late) && late.Timeout() {
				w.t.Error("the gateway neither answers nor closes")
			}
			return statuses
		}
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode >= http.StatusBadRequest {
			w.protected(res, body)
		}
		if res.StatusCode != http.StatusContinue {
			statuses = append(statuses, res.StatusCode)
			method = http.MethodGet
		}
		if res.StatusCode == http.StatusSwitchingProtocols {
			return statuses
		}
	}
}

const (
	bearing  = "Host: x\r\nAuthorization: Bearer TOKEN\r\n"
	upload   = "PUT /api/storage/v1/files/1 HTTP/1.1\r\n" + bearing
	list     = "GET /api/storage/v1/files HTTP/1.1\r\n" + bearing
	uploaded = "PUT /api/storage/v1/files/1 HTTP/1.1"
	listed   = "GET /api/storage/v1/files HTTP/1.1"
	hidden   = "GET /api/storage/v1/smuggled HTTP/1.1\r\n" + bearing + "\r\n"
	// last stands behind every case: it is read as itself or not at all.
	last     = "GET /api/storage/v1/last HTTP/1.1\r\n" + bearing + "Connection: close\r\n\r\n"
	lastLine = "GET /api/storage/v1/last HTTP/1.1"
	chunky   = "Transfer-Encoding: chunked\r\n\r\n"
	abc      = "3\r\nabc\r\n0\r\n\r\n"
)

// target is a request for a path of the storage service.
func target(path string) string { return "GET " + path + " HTTP/1.1\r\n" + bearing + "\r\n" }

// smuggle is a request as bytes. Without a line it is refused, else the service
// reads that one request with that body.
type smuggle struct{ text, line, body string }

var smuggles = map[string]smuggle{
	"a length alone is one request":                         {upload + "Content-Length: 3\r\n\r\nabc", uploaded, "abc"},
	"chunks alone are one request":                          {upload + chunky + abc, uploaded, "abc"},
	"a length that covers more than the chunks":             {upload + "Content-Length: 200\r\n" + chunky + "0\r\n\r\n" + hidden, uploaded, ""},
	"a length that covers less than the chunks":             {upload + chunky[:len(chunky)-2] + "Content-Length: 4\r\n\r\n" + abc + hidden, uploaded, "abc"},
	"a length of nought beside chunks":                      {upload + "Content-Length: 0\r\n" + chunky + abc, uploaded, "abc"},
	"a coding named xchunked":                               {upload + "Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "", ""},
	"a coding with a blank before the colon":                {upload + "Content-Length: 5\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "", ""},
	"a coding with a tab before the colon":                  {upload + "Content-Length: 5\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n", "", ""},
	"a coding behind a vertical tab":                        {upload + "Transfer-Encoding: \x0bchunked\r\n\r\n" + abc, "", ""},
	"a coding in quotes":                                    {upload + "Transfer-Encoding: \"chunked\"\r\n\r\n" + abc, "", ""},
	"a coding given twice":                                  {upload + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + abc, "", ""},
	"a coding given twice in two ways":                      {upload + "Transfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n\r\n" + abc, "", ""},
	"a coding twice in one line":                            {upload + "Transfer-Encoding: chunked, chunked\r\n\r\n" + abc, "", ""},
	"identity before chunked":                               {upload + "Transfer-Encoding: identity, chunked\r\n\r\n" + abc, "", ""},
	"gzip before chunked":                                   {upload + "Transfer-Encoding: gzip, chunked\r\n\r\n" + abc, "", ""},
	"identity with a length":                                {upload + "Transfer-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc", "", ""},
	"an empty coding":                                       {upload + "Transfer-Encoding:\r\nContent-Length: 3\r\n\r\nabc", "", ""},
	"chunked with a parameter":                              {upload + "Transfer-Encoding: chunked;q=1\r\n\r\n" + abc, "", ""},
	"a coding on a folded line":                             {upload + "Transfer-Encoding:\r\n chunked\r\n\r\n" + abc, uploaded, "abc"},
	"a coding in capitals":                                  {upload + "TRANSFER-ENCODING: CHUNKED\r\n\r\n" + abc, uploaded, "abc"},
	"a coding with an underscore is no coding":              {upload + "Transfer_Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc", uploaded, "abc"},
	"a coding behind a bare LF":                             {upload + "X-A: b\nTransfer-Encoding: chunked\r\n\r\n" + abc, uploaded, "abc"},
	"a coding behind a bare CR":                             {upload + "X-A: b\rTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc", "", ""},
	"a coding in a request of HTTP/1.0":                     {"PUT /api/storage/v1/files/1 HTTP/1.0\r\n" + bearing + "Connection: keep-alive\r\n" + chunky + abc + hidden, "", ""},
	"two lengths that differ":                               {upload + "Content-Length: 3\r\nContent-Length: 0\r\n\r\nabc", "", ""},
	"two lengths that are equal are one":                    {upload + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", uploaded, "abc"},
	"two lengths in one line":                               {upload + "Content-Length: 3, 3\r\n\r\nabc", "", ""},
	"a length with a plus":                                  {upload + "Content-Length: +3\r\n\r\nabc", "", ""},
	"a length with a minus":                                 {upload + "Content-Length: -3\r\n\r\nabc", "", ""},
	"a length in hex":                                       {upload + "Content-Length: 0x3\r\n\r\nabc", "", ""},
	"a length with a blank inside":                          {upload + "Content-Length: 1 3\r\n\r\nabc", "", ""},
	"a length with a fraction":                              {upload + "Content-Length: 3.0\r\n\r\nabc", "", ""},
	"a length with an underscore":                           {upload + "Content-Length: 1_0\r\n\r\nabcdefghij", "", ""},
	"a length beyond 64 bits":                               {upload + "Content-Length: 18446744073709551619\r\n\r\nabc", "", ""},
	"an empty length":                                       {upload + "Content-Length:\r\n\r\nabc", "", ""},
	"a length with a blank before the colon":                {upload + "Content-Length : 3\r\n\r\nabc", "", ""},
	"a chunk size that is no number":                        {upload + chunky + "zz\r\nabc\r\n0\r\n\r\n", "", ""},
	"a chunk size with a plus":                              {upload + chunky + "+3\r\nabc\r\n0\r\n\r\n", "", ""},
	"a chunk size with a minus":                             {upload + chunky + "-3\r\nabc\r\n0\r\n\r\n", "", ""},
	"a chunk size with 0x":                                  {upload + chunky + "0x3\r\nabc\r\n0\r\n\r\n", "", ""},
	"a chunk size with an underscore":                       {upload + chunky + "1_0\r\nabc\r\n0\r\n\r\n", "", ""},
	"a chunk size beyond 64 bits":                           {upload + chunky + "10000000000000003\r\nabc\r\n0\r\n\r\n", "", ""},
	"no chunk size":                                         {upload + chunky + "\r\nabc\r\n0\r\n\r\n", "", ""},
	"a chunk longer than it says":                           {upload + chunky + "2\r\nabc\r\n0\r\n\r\n", "", ""},
	"a chunk size ended by a bare LF":                       {upload + chunky + "3\nabc\r\n0\r\n\r\n", "", ""},
	"a chunk extension is dropped":                          {upload + chunky + "3;a=\"b\"\r\nabc\r\n0\r\n\r\n", uploaded, "abc"},
	"a chunk extension with a bare LF":                      {upload + chunky + "3;a\nb\r\nabc\r\n0\r\n\r\n", "", ""},
	"a chunk size with a CR inside":                         {upload + chunky + "3\rabc\r\n0\r\n\r\n", "", ""},
	"a chunk extension with a bare CR":                      {upload + chunky + "3;a\rb\r\nabc\r\n0\r\n\r\n", "", ""},
	"trailers are dropped":                                  {upload + "Trailer: X-User-Id\r\n" + chunky + "3\r\nabc\r\n0\r\nX-User-Id: forged\r\nContent-Length: 9\r\n\r\n", uploaded, "abc"},
	"a trailer without a colon":                             {upload + chunky + "3\r\nabc\r\n0\r\nX-A\r\n\r\n", "", ""},
	"trailers longer than a header":                         {upload + chunky + "3\r\nabc\r\n0\r\n" + strings.Repeat("X-A: b\r\n", 10_000) + "\r\n", "", ""},
	"a folded line is one line":                             {upload + "X-A: b\r\n Content-Length: 9\r\nContent-Length: 3\r\n\r\nabc", uploaded, "abc"},
	"a first line that is folded":                           {"GET /api/storage/v1/files HTTP/1.1\r\n X-A: b\r\n" + bearing + "\r\n", "", ""},
	"lines ended by bare LF":                                {strings.ReplaceAll(list+"\r\n", "\r\n", "\n"), listed, ""},
	"lines ended by bare CR":                                {strings.ReplaceAll(list+"\r\n", "\r\n", "\r"), "", ""},
	"a NUL in the path":                                     {target("/api/storage/v1/a\x00b"), "", ""},
	"a NUL in a value":                                      {list + "X-A: a\x00b\r\n\r\n", "", ""},
	"a NUL in a name":                                       {list + "X\x00A: b\r\n\r\n", "", ""},
	"a blank in a name":                                     {list + "X A: b\r\n\r\n", "", ""},
	"a line without a colon":                                {list + "nonsense\r\n\r\n", "", ""},
	"a line without a name":                                 {list + ": x\r\n\r\n", "", ""},
	"a method with a bad byte":                              {"G@T /api/storage/v1/files HTTP/1.1\r\n" + bearing + "\r\n", "", ""},
	"a method in small letters":                             {"get /api/storage/v1/files HTTP/1.1\r\n" + bearing + "\r\n", "", ""},
	"a version beyond":                                      {"GET /api/storage/v1/files HTTP/3.7\r\n" + bearing + "\r\n", "", ""},
	"a version in small letters":                            {"GET /api/storage/v1/files http/1.1\r\n" + bearing + "\r\n", "", ""},
	"a version of two digits":                               {"GET /api/storage/v1/files HTTP/1.10\r\n" + bearing + "\r\n", "", ""},
	"HTTP/0.9":                                              {"GET /api/storage/v1/files\r\n\r\n", "", ""},
	"a tab in the request line":                             {"GET\t/api/storage/v1/files\tHTTP/1.1\r\n" + bearing + "\r\n", "", ""},
	"the absolute form":                                     {target("http://x/api/storage/v1/files"), "", ""},
	"the absolute form of another host":                     {target("http://other.example/api/storage/v1/files"), "", ""},
	"the authority form":                                    {target("other.example:80"), "", ""},
	"the asterisk form":                                     {"OPTIONS * HTTP/1.1\r\n" + bearing + "\r\n", "", ""},
	"CONNECT":                                               {"CONNECT other.example:80 HTTP/1.1\r\n" + bearing + "\r\n", "", ""},
	"CONNECT with a path":                                   {"CONNECT /api/storage/v1/files HTTP/1.1\r\n" + bearing + "\r\n", "", ""},
	"TRACE":                                                 {"TRACE /api/storage/v1/files HTTP/1.1\r\n" + bearing + "\r\n", "", ""},
	"no Host":                                               {"GET / HTTP/1.1\r\n\r\n", "", ""},
	"two Hosts":                                             {list + "Host: y\r\n\r\n", "", ""},
	"a Host with a name and password":                       {"GET / HTTP/1.1\r\nHost: user:pass@x\r\n\r\n", "", ""},
	"a dot segment":                                         {target("/api/storage/v1/../v1/files"), "", ""},
	"a dot segment encoded":                                 {target("/api/storage/v1/%2e%2e/files"), "", ""},
	"a slash encoded":                                       {target("/api/storage/v1/a%2fb"), "", ""},
	"a backslash encoded":                                   {target("/api/storage/v1/a%5cb"), "", ""},
	"a backslash":                                           {target(`/api/storage/v1/..\files`), "", ""},
	"a NUL encoded":                                         {target("/api/storage/v1/a%00b"), "", ""},
	"a dot segment encoded twice":                           {target("/api/storage/v1/%252e%252e/files"), "", ""},
	"an empty segment":                                      {target("//api/storage/v1/files"), "", ""},
	"path parameters":                                       {target("/api/storage/v1/files;x=y"), "", ""},
	"a dot segment with parameters":                         {target("/api/storage/v1/..;/files"), "", ""},
	"raw letters beyond ASCII":                              {target("/api/storage/v1/\xc3\xa9"), "", ""},
	"a slash in overlong UTF-8":                             {target("/api/storage/v1/a%c0%afb"), "", ""},
	"a fragment":                                            {target("/api/storage/v1/files#x"), "", ""},
	"CR LF encoded in the path":                             {target("/api/storage/v1/a%0d%0aX:%20b"), "", ""},
	"CR LF encoded in the query stays encoded":              {target("/api/storage/v1/files?a=%0d%0aX:%20b"), "GET /api/storage/v1/files?a=%0d%0aX:%20b HTTP/1.1", ""},
	"identity lines in all spellings are dropped":           {list + "X-User-Id: forged\r\nX_User_Id: forged\r\nx-user-id: forged\r\nX-USER_ID: forged\r\n\r\n", listed, ""},
	"identity lines named in Connection are kept from it":   {list + "X-User-Id: forged\r\nConnection: Authorization, X-User-Id, X-Request-Id, X-Forwarded-For\r\n\r\n", listed, ""},
	"a length named in Connection still counts":             {upload + "Connection: Content-Length\r\nContent-Length: 3\r\n\r\nabc", uploaded, "abc"},
	"another method in a header is dropped":                 {list + "X-HTTP-Method-Override: forged\r\nX-Method-Override: forged\r\nX-HTTP-Method: forged\r\n\r\n", listed, ""},
	"an expectation nobody knows":                           {upload + "Expect: the-moon\r\nContent-Length: 3\r\n\r\nabc", "", ""},
	"two expectations":                                      {upload + "Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc", "", ""},
	"an expectation twice in one line is one":               {upload + "Expect: 100-continue, 100-continue\r\nContent-Length: 3\r\n\r\nabc", uploaded, "abc"},
	"a body that does not wait for the go-ahead":            {upload + "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc", uploaded, "abc"},
	"a request in the body of a refused one":                {"PUT //x HTTP/1.1\r\nHost: x\r\nContent-Length: " + strconv.Itoa(len(evil)) + "\r\n\r\n" + evil, "", ""},
	"a request behind a refused one with chunks":            {"PUT //x HTTP/1.1\r\nHost: x\r\n" + chunky + "0\r\n\r\n" + hidden, "", ""},
	"a request behind one that cannot be read":              {"GET / HTTP/1.1\r\nHost: x\r\nX A: b\r\n\r\n" + hidden, "", ""},
	"a request behind a refused one is only itself":         {target("//bad") + list + "\r\n", listed, ""},
	"a request in the body of a GET":                        {list + "Content-Length: " + strconv.Itoa(len(evil)) + "\r\n\r\n" + evil, "", ""},
	"chunks on a GET":                                       {list + chunky + "0\r\n\r\n", "", ""},
	"a body on a HEAD":                                      {"HEAD /api/storage/v1/files HTTP/1.1\r\n" + bearing + "Content-Length: 3\r\n\r\nabc", "", ""},
	"an upgrade to h2c":                                     {list + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", "", ""},
	"an upgrade that Connection does not name":              {list + "Upgrade: websocket\r\n\r\n", "", ""},
	"the preface of h2c":                                    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "", ""},
	"too many lines":                                        {list + strings.Repeat("X-A: b\r\n", strict.MaxLines) + "\r\n", "", ""},
	"a long URL":                                            {target("/api/storage/v1/" + strings.Repeat("a", strict.MaxTarget)), "", ""},
	"a long header":                                         {list + "X-A: " + strings.Repeat("a", strict.MaxHeaders) + "\r\n\r\n", "", ""},
	"two Authorizations":                                    {list + "Authorization: Bearer TOKEN\r\n\r\n", "", ""},
	"an Authorization with an underscore beside the proper": {list + "Authorization_: forged\r\n\r\n", listed, ""},
	"an empty line before the request":                      {"\r\n" + list + "\r\n", "", ""},
}

// GW-02, GW-10, GW-12: a service reads the request that was checked, alone and unchanged,
// or nothing.
func TestSmuggling_oneCleanRequestOrNone(t *testing.T) {
	t.Parallel()
	for name, tc := range smuggles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := newTap(t)
			w := start(t, map[string]string{"STORAGE_URL": service.url(), "WEB_URL": service.url(), "WEBHOOK_URL": service.url()})
			statuses := w.speak(strings.ReplaceAll(tc.text+last, "TOKEN", w.token("u1", "s1")))
			read, faults := service.all()
			if len(faults) > 0 {
				t.Errorf("the service got what has two readings: %q", faults)
			}
			passed, refused := 0, 0
			for _, s := range statuses {
				switch {
				case s == http.StatusOK:
					passed++
				case s >= 400 && s < 499, s == http.StatusNotImplemented, s == http.StatusHTTPVersionNotSupported:
					refused++
				default:
					t.Errorf("answered %d", s)
				}
			}
			if passed != len(read) || w.auth.count() > 0 {
				t.Errorf("answers %v for %d requests", statuses, len(read))
			}
			if len(read) > 0 && read[len(read)-1].line == lastLine && read[len(read)-1].body == "" {
				read = read[:len(read)-1]
			}
			switch {
			case tc.line == "" && len(read) > 0:
				t.Errorf("was not refused: %+v", read)
			case tc.line != "" && (len(read) != 1 || read[0].line != tc.line || read[0].body != tc.body):
				t.Errorf("answers %v; the service read %+v, want only %s with %q", statuses, read, tc.line, tc.body)
			}
			for _, m := range read {
				if strings.Contains(m.head, "forged") || strings.Count(m.head, "Authorization: Bearer ") != 1 || !strings.Contains(m.head, "X-Request-Id: ") {
					t.Errorf("the service's header is not the gateway's: %s", m.head)
				}
			}
		})
	}
	t.Logf("%d raw requests", len(smuggles))
}
