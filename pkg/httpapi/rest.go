package httpapi

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// Rest answers whatever no operation answers, by any method: for a service whose
// answers are files and not operations. It passes the same stages as operations,
// and an error becomes the answer in the same way.
func (a *API) Rest(answer func(w http.ResponseWriter, r *http.Request) error) {
	a.Echo.Any("/*", func(c echo.Context) error { return answer(c.Response(), c.Request()) })
}
