package quota

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/validation"
)

// Handler serves what owners may keep.
type Handler struct {
	Store   *Store
	MaxFile int64 // bytes; said, so that a page can refuse a file before it is sent
}

// Routes names the operations that people use.
func (h *Handler) Routes(api huma.API) {
	httpapi.Register(api, huma.Operation{
		OperationID: "getQuota", Method: http.MethodGet, Path: "/api/storage/v1/quota", Tags: []string{"quota"},
		Summary: "What you may keep and keep", Errors: []int{http.StatusUnauthorized, http.StatusServiceUnavailable},
	}, h.get)
}

// InternalRoutes names the operations that other services use.
func (h *Handler) InternalRoutes(api huma.API) {
	httpapi.Register(api, huma.Operation{
		OperationID: "setPlan", Method: http.MethodPut, Path: "/internal/v1/users/{user_id}/plan", Hidden: true,
		Summary: "The user's plan has changed", DefaultStatus: http.StatusNoContent,
		Description: "A version older than the one that is known is accepted and ignored.",
	}, h.setPlan)
}

type output struct {
	Body Quota
}

// Quota is an account as its owner sees it.
type Quota struct {
	Used     int64  `json:"used_bytes" doc:"Of all your files"`
	Reserved int64  `json:"reserved_bytes" doc:"For uploads under way"`
	Limit    int64  `json:"limit_bytes" doc:"What your plan allows; less than used_bytes after a change to a smaller plan"`
	Plan     string `json:"plan" example:"free"`
	Files    int64  `json:"files" doc:"How many you keep"`
	MaxFiles int64  `json:"max_files" doc:"How many you may keep"`
	MaxFile  int64  `json:"max_file_bytes" doc:"How long one file may be"`
}

func (h *Handler) get(ctx context.Context, _ *struct{}) (*output, error) {
	who, err := httpapi.Caller(ctx)
	if err != nil {
		return nil, err
	}
	a, err := h.Store.Of(ctx, who.UserID)
	if err != nil {
		return nil, err
	}
	return &output{Quota{Used: a.Used, Reserved: a.Reserved, Limit: a.Limit, Plan: a.Plan, Files: a.Files, MaxFiles: a.MaxFiles, MaxFile: h.MaxFile}}, nil
}

type setPlanInput struct {
	UserID validation.UserID `path:"user_id"`
	Body   struct {
		Plan    string `json:"plan" minLength:"1" maxLength:"64" pattern:"^\\P{Cc}+$"`
		Bytes   int64  `json:"quota_bytes" minimum:"0"`
		Version int64  `json:"version" minimum:"0" doc:"Grows with each change of the user's plan"`
	}
}

func (h *Handler) setPlan(ctx context.Context, in *setPlanInput) (*struct{}, error) {
	return nil, h.Store.SetPlan(ctx, in.UserID.String(), Plan{Key: in.Body.Plan, Bytes: in.Body.Bytes, Version: in.Body.Version})
}
