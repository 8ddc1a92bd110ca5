package stripetest

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"
)

//go:embed page.html
var pageSource string

var pages = template.Must(template.New("page").Parse(pageSource))

// The cards that the pay page knows; any other that is not declined works as well.
const (
	goodCard     = "4242 4242 4242 4242"
	declinedCard = "4000 0000 0000 0002"
)

// pageData is what the pages show.
type pageData struct {
	Title, Amount, Status, Back, Error string
	Lines                              []string
	Good, Declined                     string
	Plans                              []planData
}

type planData struct {
	ID, Status, Until string
	Names             []string
	Ending, Ended     bool
}

func (s *Server) payPage(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireOld()
	session, err := s.find("checkout.session", r.PathValue("id"))
	if err != nil {
		s.notFound(w)
		return
	}
	s.showSession(w, http.StatusOK, session, "")
}

// showSession writes the form to pay, or what became of the session.
func (s *Server) showSession(w http.ResponseWriter, status int, session object, fault string) {
	data := pageData{
		Title: "Pay", Amount: money(session.num("amount_total"), session.str("currency")), Status: session.str("status"),
		Lines: descriptions(session.child("_line_items").list("data")), Error: fault, Good: goodCard, Declined: declinedCard,
	}
	if data.Status == "complete" {
		data.Back = successURL(session)
	} else {
		data.Back = session.str("cancel_url")
	}
	s.render(w, status, "pay", data)
}

// payAction takes the form: pay or cancel. Paying twice is paying once.
func (s *Server) payAction(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireOld()
	session, err := s.find("checkout.session", r.PathValue("id"))
	switch {
	case err != nil:
		s.notFound(w)
		return
	case session.str("status") == "complete":
		http.Redirect(w, r, successURL(session), http.StatusSeeOther)
		return
	case r.PostFormValue("action") == "cancel" && session.str("cancel_url") != "":
		http.Redirect(w, r, session.str("cancel_url"), http.StatusSeeOther)
		return
	case r.PostFormValue("action") != "pay", session.str("status") != "open":
		s.showSession(w, http.StatusOK, session, "")
		return
	}
	s.payByCard(w, r, session)
}

func (s *Server) payByCard(w http.ResponseWriter, r *http.Request, session object) {
	number := strings.ReplaceAll(r.PostFormValue("number"), " ", "")
	if !cardNumber(number) {
		s.showSession(w, http.StatusUnprocessableEntity, session, "This is not a card number.")
		return
	}
	declined := r.PostFormValue("card") == "declined" || number == strings.ReplaceAll(declinedCard, " ", "")
	s.pay(session, declined)
	s.keep()
	if declined {
		s.showSession(w, http.StatusPaymentRequired, session, "Your card was declined. Try another one.")
		return
	}
	http.Redirect(w, r, successURL(session), http.StatusSeeOther)
}

// Pay pays an open session as its page does, and gives the address to which the
// buyer is sent; empty when there is no such session or it cannot be paid.
func (s *Server) Pay(session string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireOld()
	o, err := s.find("checkout.session", session)
	if err != nil || o.str("status") != "open" {
		return ""
	}
	s.pay(o, false)
	s.keep()
	return successURL(o)
}

// Decline tries to pay an open session with a card that is declined.
func (s *Server) Decline(session string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, err := s.find("checkout.session", session); err == nil && o.str("status") == "open" {
		s.pay(o, true)
		s.keep()
	}
}

// Object gives any object by its id, as the API shows it; nil when there is none.
func (s *Server) Object(id string) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, ok := s.state.Objects[id]; ok {
		return shown(o)
	}
	return nil
}

// keep saves the state where no caller could be told of a failure.
func (s *Server) keep() {
	if err := s.save(); err != nil {
		s.options.Log.Error("the stand-in's state is not saved", "err", err)
	}
}

// cardNumber checks length and digits; the check digit is nobody's business here.
func cardNumber(number string) bool {
	if len(number) < 12 || len(number) > 19 {
		return false
	}
	return strings.Trim(number, "0123456789") == ""
}

func (s *Server) notFound(w http.ResponseWriter) {
	s.render(w, http.StatusNotFound, "gone", pageData{Title: "Not found"})
}

func (s *Server) render(w http.ResponseWriter, status int, name string, data pageData) {
	var out bytes.Buffer
	if err := pages.ExecuteTemplate(&out, name, data); err != nil {
		s.options.Log.Error("page", "err", err)
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes())
}

func descriptions(lines []any) []string {
	var out []string
	for _, v := range lines {
		out = append(out, asObject(v).str("description"))
	}
	return out
}

func money(amount int64, currency string) string {
	return fmt.Sprintf("%d.%02d %s", amount/100, amount%100, strings.ToUpper(currency))
}

func day(at int64) string { return time.Unix(at, 0).UTC().Format("2 January 2006") }
