// Package probe is the hostile program of package doctor: one binary with the host, run again with Argument. It goes through the
// attempts that it is told, one after the other, and says on its standard output how far it got with each.
//
// What it is run as (confined like an adapter, or as any child of the doctor) is not its affair: it tries the same things and reports
// errors as they come. It does no harm to the machine where it is let, for that is how an attempt is shown to be one.
package probe
