package admin

import (
	"net/http"

	"github.com/codex-platform/codex/pkg/problem"
)

// The refusals of this feature.
var (
	ErrNoUser          = problem.New(http.StatusNotFound, "USER_NOT_FOUND", "User not found")
	ErrExists          = problem.New(http.StatusBadRequest, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL", "User already exists. Use another email.")
	ErrNoSuchRole      = problem.New(http.StatusBadRequest, "YOU_ARE_NOT_ALLOWED_TO_SET_NON_EXISTENT_VALUE", "You are not allowed to set a non-existent role value")
	ErrNoData          = problem.New(http.StatusBadRequest, "NO_DATA_TO_UPDATE", "No data to update")
	ErrPasswordInData  = problem.New(http.StatusBadRequest, "PASSWORD_CANNOT_BE_UPDATED_VIA_UPDATE_USER", "Password cannot be updated through update-user. Use the set-user-password endpoint instead")
	ErrIDInData        = problem.New(http.StatusBadRequest, "USER_ID_CANNOT_BE_UPDATED", "User id cannot be updated")
	ErrBanSelf         = problem.New(http.StatusBadRequest, "YOU_CANNOT_BAN_YOURSELF", "You cannot ban yourself")
	ErrRemoveSelf      = problem.New(http.StatusBadRequest, "YOU_CANNOT_REMOVE_YOURSELF", "You cannot remove yourself")
	ErrNotActing       = problem.New(http.StatusBadRequest, "YOU_ARE_NOT_IMPERSONATING_ANYONE", "You are not impersonating anyone")
	ErrOfAdmins        = denied("CANNOT_IMPERSONATE_ADMINS", "cannot impersonate admins")
	ErrReason          = problem.New(http.StatusBadRequest, "IMPERSONATION_REASON_REQUIRED", "A reason is required to impersonate somebody")
	ErrListUsers       = denied("ARE_NOT_ALLOWED_TO_LIST_USERS", "are not allowed to list users")
	ErrGetUser         = denied("ARE_NOT_ALLOWED_TO_GET_USER", "are not allowed to get user")
	ErrCreateUsers     = denied("ARE_NOT_ALLOWED_TO_CREATE_USERS", "are not allowed to create users")
	ErrUpdateUsers     = denied("ARE_NOT_ALLOWED_TO_UPDATE_USERS", "are not allowed to update users")
	ErrChangeRole      = denied("ARE_NOT_ALLOWED_TO_CHANGE_USERS_ROLE", "are not allowed to change users role")
	ErrBanUsers        = denied("ARE_NOT_ALLOWED_TO_BAN_USERS", "are not allowed to ban users")
	ErrImpersonate     = denied("ARE_NOT_ALLOWED_TO_IMPERSONATE_USERS", "are not allowed to impersonate users")
	ErrDeleteUsers     = denied("ARE_NOT_ALLOWED_TO_DELETE_USERS", "are not allowed to delete users")
	ErrSetPassword     = denied("ARE_NOT_ALLOWED_TO_SET_USERS_PASSWORD", "are not allowed to set users password")
	ErrSetEmail        = denied("ARE_NOT_ALLOWED_TO_SET_USERS_EMAIL", "are not allowed to set users email")
	ErrListSessions    = denied("ARE_NOT_ALLOWED_TO_LIST_USERS_SESSIONS", "are not allowed to list users sessions")
	ErrRevokeSessions  = denied("ARE_NOT_ALLOWED_TO_REVOKE_USERS_SESSIONS", "are not allowed to revoke users sessions")
	ErrListAuditEvents = denied("ARE_NOT_ALLOWED_TO_LIST_AUDIT_EVENTS", "are not allowed to list audit events")
)

func denied(code, message string) *problem.Problem {
	return problem.New(http.StatusForbidden, "YOU_"+code, "You "+message)
}
