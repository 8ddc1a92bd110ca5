// Package jobs owns work that outlives a request: River, set up once.
//
// A job is inserted in the transaction that makes it necessary (Client.InsertTx),
// so it exists if and only if that transaction was committed; this is the outbox
// between services and the way of every mail. A worker may run a job more than
// once, so what it does must bear repetition.
//
// What happens when something goes wrong:
//
//   - A job fails: again after 1, 2, 4, 8 and 16 seconds, then once a minute for
//     a week, so a dependency may be away for days and the work is done a minute
//     after its return. After that the job is cancelled, with a line in the log.
//     A worker that knows that no repetition helps returns river.JobCancel(err).
//   - The process is killed in the middle of a job: another one takes the job up
//     a minute after its time is over.
//   - PostgreSQL is away when the process starts, or the schema is not there
//     yet: Start does not wait for it; the queue begins when it can.
//
// A job carries the trace and the request's id of the code that inserted it.
package jobs
