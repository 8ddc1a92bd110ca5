// Package socket owns the system calls of the hot path on TCP connections: those of
// clients (Conn) and those to services (Asker). They do what net.Conn does with fewer
// of them, and without telling the runtime, since none of them blocks.
package socket
