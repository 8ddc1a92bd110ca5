package security

// StrictObject is strictObject, for tests.
var StrictObject = strictObject
