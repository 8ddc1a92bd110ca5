package inbox

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Message is one mail as it came.
type Message struct {
	ID          string // ours; it names the file
	MessageID   string // the header, without angle brackets
	From        Address
	To, Cc      []Address
	Bcc         []Address // recipients that only the envelope names
	ReturnPath  string
	Subject     string
	Created     time.Time // when it came
	Size        int       // bytes
	Text, HTML  string
	Attachments []Attachment
}

// Address is a mailbox.
type Address struct{ Name, Address string }

// Attachment describes a part that is neither the text nor the HTML.
type Attachment struct {
	FileName, ContentType string
	Size                  int
}

// link ends before the punctuation that belongs to the sentence around it.
var link = regexp.MustCompile(`https?://[^\s<>"']*[^\s<>"'.,;:!?)\]]`)

// Links returns the addresses in the text, in order; in the HTML when there is no text.
func (m Message) Links() []string {
	return link.FindAllString(cmp.Or(m.Text, m.HTML), -1)
}

func (m Message) recipients() []Address { return slices.Concat(m.To, m.Cc, m.Bcc) }

func (m Message) isTo(address string) bool {
	return slices.ContainsFunc(m.recipients(), func(a Address) bool { return strings.EqualFold(a.Address, address) })
}

// snippet is the beginning of the text in one line.
func (m Message) snippet() string {
	words := []rune(strings.Join(strings.Fields(m.Text), " "))
	return string(words[:min(len(words), 200)])
}

// parse reads a mail. What it cannot read it shows as it is: an inbox must not lose the one odd mail somebody looks for.
func parse(id string, created time.Time, env envelope, raw []byte) Message {
	m := Message{ID: id, Created: created, Size: len(raw), ReturnPath: env.from}
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		m.Text = string(raw)
		m.To = addresses(env.to)
		return m
	}
	h := msg.Header
	m.MessageID = strings.Trim(h.Get("Message-Id"), "<>")
	m.Subject = decodeHeader(h.Get("Subject"))
	m.From = first(headerAddresses(h, "From"))
	m.To, m.Cc = headerAddresses(h, "To"), headerAddresses(h, "Cc")
	for _, to := range addresses(env.to) {
		if !m.isTo(to.Address) {
			m.Bcc = append(m.Bcc, to)
		}
	}
	m.read(h.Get("Content-Type"), h.Get("Content-Transfer-Encoding"), h.Get("Content-Disposition"), msg.Body)
	return m
}

// read takes in one part of the mail and those within it.
func (m *Message) read(contentType, encoding, disposition string, body io.Reader) {
	kind, params, err := mime.ParseMediaType(cmp.Or(contentType, "text/plain"))
	if err != nil {
		kind = "text/plain"
	}
	if strings.HasPrefix(kind, "multipart/") {
		m.readParts(multipart.NewReader(body, params["boundary"]))
		return
	}
	content, _ := io.ReadAll(decoded(encoding, body))
	how, attached, _ := mime.ParseMediaType(disposition)
	switch {
	case how == "attachment":
		m.Attachments = append(m.Attachments, Attachment{decodeHeader(attached["filename"]), kind, len(content)})
	case kind == "text/plain" && m.Text == "":
		m.Text = string(content)
	case kind == "text/html" && m.HTML == "":
		m.HTML = string(content)
	default:
		m.Attachments = append(m.Attachments, Attachment{decodeHeader(params["name"]), kind, len(content)})
	}
}

func (m *Message) readParts(parts *multipart.Reader) {
	for {
		p, err := parts.NextRawPart()
		if err != nil {
			return
		}
		m.read(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p.Header.Get("Content-Disposition"), p)
	}
}

func decoded(encoding string, r io.Reader) io.Reader {
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		return quotedprintable.NewReader(r)
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, r)
	}
	return r
}

func decodeHeader(s string) string {
	if d, err := new(mime.WordDecoder).DecodeHeader(s); err == nil {
		return d
	}
	return s
}

func headerAddresses(h mail.Header, name string) []Address {
	list, err := h.AddressList(name)
	if err != nil {
		return nil
	}
	out := make([]Address, len(list))
	for i, a := range list {
		out[i] = Address{a.Name, a.Address}
	}
	return out
}

func addresses(list []string) []Address {
	out := make([]Address, len(list))
	for i, a := range list {
		out[i] = Address{Address: a}
	}
	return out
}

func first(list []Address) Address {
	if len(list) == 0 {
		return Address{}
	}
	return list[0]
}

// String is the address as a mail program shows it.
func (a Address) String() string {
	if a.Name == "" {
		return a.Address
	}
	return fmt.Sprintf("%s <%s>", a.Name, a.Address)
}
