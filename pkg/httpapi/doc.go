// Package httpapi owns the door of a service: typed handlers on Echo with their
// OpenAPI document, what every request passes, how an error becomes an answer,
// health, and the way to serve and to stop.
//
// It knows no service. Features bring their operations (Register), what they
// refuse (problem.Problem) and nothing of HTTP beyond that.
//
// # How a service is put together
//
// main.go names the parts in order, api.go the features:
//
//	// Command storage keeps people's files.
//	package main
//
//	type settings struct {
//		config.Base
//		Addr        string `env:"ADDR" envDefault:":8003" help:"where the service listens"`
//		PrivateAddr string `env:"PRIVATE_ADDR" envDefault:"127.0.0.1:9003" help:"where health, metrics and profiles are"`
//		HTTP        httpapi.Settings
//		Telemetry   observability.Settings
//		Database    database.Settings
//	}
//
//	func main() {
//		config.Program[settings]{
//			Name: "storage", Summary: "keeps people's files", Redact: observability.Redact,
//			Commands: append([]config.Command[settings]{
//				{Name: "serve", Summary: "answer requests and work off jobs", Run: serve},
//				{Name: "doctor", Summary: "say what is missing", Run: doctor},
//			}, database.MigrateCommands(func(s settings) database.Settings { return s.Database }, migrations.Storage)...),
//		}.Main()
//	}
//
//	func serve(ctx context.Context, s settings, _ []string, out io.Writer) error {
//		log := observability.NewLogger("storage", out, s.Telemetry)
//		telemetry, err := observability.Start(ctx, "storage", s.Telemetry, log)
//		if err != nil {
//			return err
//		}
//		defer stop(telemetry.Shutdown)
//		pool, err := database.Open(ctx, s.Database)
//		if err != nil {
//			return err
//		}
//		defer pool.Close()
//		queue, err := newQueue(pool, s, log) // jobs.New with the workers of every feature
//		if err != nil {
//			return err
//		}
//		queue.Start(ctx) // does not wait for the database
//		defer stop(queue.Stop)
//
//		health := newHealth(pool, log)
//		return httpapi.Serve(ctx, s.HTTP.Serve(s.Addr, s.PrivateAddr, s.Development(), health),
//			newAPI(s, pool, queue, log), httpapi.Private(health, telemetry.MetricsHandler(), s.HTTP.Pprof), log)
//	}
//
//	func doctor(ctx context.Context, s settings, _ []string, out io.Writer) error {
//		… health.Report(ctx, out)
//	}
//
//	// stop gives a part ten seconds to end.
//	func stop(end func(context.Context) error) {
//		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
//		defer cancel()
//		_ = end(ctx)
//	}
//
//	func newHealth(pool *pgxpool.Pool, log *slog.Logger) *httpapi.Health {
//		health := httpapi.NewHealth(log)
//		health.Add("postgres", true, func(ctx context.Context) error {
//			return database.CheckSchema(ctx, pool, migrations.Storage)
//		})
//		return health
//	}
//
//	// api.go
//	func newAPI(s settings, pool *pgxpool.Pool, queue *jobs.Client, log *slog.Logger) *httpapi.API {
//		api := httpapi.New(httpapi.Config{Service: "storage", Log: log, Edge: s.HTTP.Edge, Proxies: s.HTTP.Proxies()})
//		signedIn := huma.NewGroup(api.Huma())
//		signedIn.UseMiddleware(httpapi.Authenticated(verifier))
//		(&share.Handler{Store: share.NewStore(pool), Now: time.Now}).Routes(signedIn)
//		return api
//	}
//
// A feature's http.go adds its operations with httpapi.Register (not
// huma.Register, which does not parse value types in parameters):
//
//	func (h *Handler) Routes(api huma.API) {
//		httpapi.Register(api, huma.Operation{
//			OperationID: "openShare", Method: http.MethodGet, Path: "/api/storage/v1/shares/{token}",
//			Summary: "What a link leads to",
//		}, h.open)
//		httpapi.Register(api, httpapi.Streams(huma.Operation{…}), h.upload) // its input has a httpapi.Body
//	}
//
// and one test keeps openapi.yaml fresh:
//
//	func TestOpenAPI(t *testing.T) {
//		httpapi.CheckOpenAPI(t, newAPI(settings{}, nil, nil, slog.New(slog.DiscardHandler)), "openapi.yaml")
//	}
//
// # What a request passes
//
// identify (request id, trace, client address) → observe (span, metrics, one
// access line) → recover → where the service faces the Internet itself, security
// headers, bounds and rate limit → route → the operation's middleware
// (Authenticated, Internal) → body (size, type, strict JSON) → validation →
// handler. Whatever goes wrong on the way ends in API.fail, the only place that
// writes an error: a problem is shown as it is; a backing part that is away is
// 503 with Retry-After; everything else is logged and shown as INTERNAL.
// No answer and no log line repeats what a client sent.
package httpapi
