package admin

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/codex-platform/codex/services/auth/internal/field"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

const (
	mostListed = 100
	mostSkip   = 1_000_000
)

// column is one that people can be searched, filtered and sorted by. Names from
// outside are looked up here and never reach the SQL.
type column struct {
	sql  string
	kind string // "text", "boolean", "timestamptz"; of additional fields "text", "boolean", "numeric", "list"
	// field is the additional field that it is, whose value the row keeps in its object.
	field *field.Field
}

var columns = map[string]column{
	"id": {"u.id", "text", nil}, "name": {"u.name", "text", nil}, "email": {"u.email", "text", nil}, "emailVerified": {"u.email_verified", "boolean", nil},
	"role": {"u.role", "text", nil}, "banned": {"u.banned", "boolean", nil}, "banReason": {"u.ban_reason", "text", nil}, "banExpires": {"u.ban_expires_at", "timestamptz", nil},
	"username": {"u.username", "text", nil}, "displayUsername": {"u.display_username", "text", nil}, "twoFactorEnabled": {"u.two_factor_enabled", "boolean", nil},
	"isAnonymous": {"u.is_anonymous", "boolean", nil}, "createdAt": {"u.created_at", "timestamptz", nil}, "updatedAt": {"u.updated_at", "timestamptz", nil},
}

// condition is one part of a WHERE.
type condition struct {
	column column
	op     string
	values []string
}

// comparisons are the operators that PostgreSQL has under another name.
var comparisons = map[string]string{"eq": "=", "ne": "IS DISTINCT FROM", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}

// patterns are where a text may stand inside another.
var patterns = map[string]string{"contains": "%%%s%%", "starts_with": "%s%%", "ends_with": "%%%s"}

// Query says which people are listed, in which order.
type Query struct {
	conditions []condition
	sort       column
	descending bool
	Limit      int
	Offset     int
}

// readQuery reads the parameters of /admin/list-users. fields are the additional ones.
func readQuery(c *wire.Call, fields field.Fields) (Query, error) {
	q := Query{sort: columns["createdAt"], descending: c.Query("sortBy") == "", Limit: mostListed}
	if text := c.Query("searchValue"); text != "" {
		field := c.Query("searchField")
		if field == "" {
			field = "email"
		}
		op := c.Query("searchOperator")
		if op == "" {
			op = "contains"
		}
		if field != "email" && field != "name" {
			return q, wire.Invalid("query.searchField", "Invalid option: expected one of email, name")
		}
		if !columns[field].fits(text) {
			return q, wire.Invalid("query.searchValue", "Invalid input: expected text")
		}
		if patterns[op] == "" {
			return q, wire.Invalid("query.searchOperator", "Invalid option: expected one of contains, starts_with, ends_with")
		}
		q.conditions = append(q.conditions, condition{columns[field], op, []string{text}})
	}
	if err := q.readFilter(c, fields); err != nil {
		return q, err
	}
	return q, q.readOrder(c, fields)
}

func (q *Query) readFilter(c *wire.Call, fields field.Fields) error {
	values := c.Queries("filterValue")
	name := c.Query("filterField")
	if name == "" || len(values) == 0 {
		return nil
	}
	col, ok := columnOf(name, fields)
	if !ok {
		return wire.Invalid("query.filterField", "Invalid option: not a field that can be filtered by")
	}
	op := c.Query("filterOperator")
	if op == "" {
		op = "eq"
	}
	switch {
	case col.kind == "list":
		if op != "contains" {
			return wire.Invalid("query.filterOperator", "Invalid option: a list is filtered by contains, which finds one of its members")
		}
	case comparisons[op] != "", op == "in", op == "not_in":
	case patterns[op] != "" && col.holds():
	default:
		return wire.Invalid("query.filterOperator", "Invalid option: not an operator for this field")
	}
	if op == "in" || op == "not_in" {
		if len(values) == 1 {
			values = strings.Split(values[0], ",")
		}
		if len(values) > mostListed {
			return wire.Invalid("query.filterValue", "Too big: expected array to have <=100 items")
		}
	}
	for i, v := range values {
		value, ok := col.read(v)
		if !ok {
			return wire.Invalid("query.filterValue", "Invalid input: expected "+col.expected())
		}
		values[i] = value
	}
	q.conditions = append(q.conditions, condition{col, op, values})
	return nil
}

// fits tells whether PostgreSQL can read a text as a value of the column.
func (col column) fits(text string) bool {
	switch col.kind {
	case "boolean":
		return text == "true" || text == "false"
	}
	return utf8.ValidString(text) && !strings.Contains(text, "\x00")
}

func (q *Query) readOrder(c *wire.Call, fields field.Fields) error {
	if by := c.Query("sortBy"); by != "" {
		col, ok := columnOf(by, fields)
		if !ok || col.kind == "list" {
			return wire.Invalid("query.sortBy", "Invalid option: not a field that can be sorted by")
		}
		q.sort = col
	}
	switch c.Query("sortDirection") {
	case "":
	case "asc":
		q.descending = false
	case "desc":
		q.descending = true
	default:
		return wire.Invalid("query.sortDirection", "Invalid option: expected one of asc, desc")
	}
	limit, err := number(c, "limit", mostListed)
	if err != nil {
		return err
	}
	if limit > 0 {
		q.Limit = min(limit, mostListed)
	}
	q.Offset, err = number(c, "offset", mostSkip)
	return err
}

// number reads a parameter that is a count; what is above most counts as most.
func number(c *wire.Call, name string, most int) (int, error) {
	text := c.Query(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, wire.Invalid("query."+name, "Invalid input: expected number")
	}
	return min(n, most), nil
}

// where gives the clause with its arguments.
func (q Query) where() (clause string, args []any) {
	var parts []string
	for _, c := range q.conditions {
		var operand string
		operand, args = c.column.operand(args)
		place := "$" + strconv.Itoa(len(args)+1)
		switch {
		case c.column.kind == "list":
			parts = append(parts, operand+" @> "+place+"::text::jsonb")
			args = append(args, c.values[0])
		case patterns[c.op] != "":
			parts = append(parts, operand+" ILIKE "+place)
			args = append(args, fmt.Sprintf(patterns[c.op], likeEscaper.Replace(c.values[0])))
		case c.op == "in", c.op == "not_in":
			test := operand + " = ANY(" + place + "::text[]::" + c.column.kind + "[])"
			if c.op == "not_in" {
				test = "NOT coalesce(" + test + ", false)"
			}
			parts = append(parts, test)
			args = append(args, c.values)
		default:
			parts = append(parts, operand+" "+comparisons[c.op]+" "+place+"::text::"+c.column.kind)
			args = append(args, c.values[0])
		}
	}
	if len(parts) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(parts, " AND "), args
}

// likeEscaper makes a text mean itself in a LIKE pattern.
var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// order gives the end of the query, with the arguments of what stands before it.
// The id settles ties, so that pages do not overlap.
func (q Query) order(before []any) (end string, args []any) {
	direction := " ASC"
	if q.descending {
		direction = " DESC"
	}
	operand, args := q.sort.operand(before)
	return " ORDER BY " + operand + direction + ", u.id" + direction + " LIMIT " + strconv.Itoa(q.Limit) + " OFFSET " + strconv.Itoa(q.Offset), args
}
