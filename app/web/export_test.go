package web

// Route is a line of the table of routes, for the tests of the whole surface.
type Route struct {
	Pattern     string
	MembersOnly bool
}

// Routes is the table of routes.
func Routes() (list []Route) {
	for _, rt := range new(Server).routes() {
		list = append(list, Route{rt.pattern, rt.policy == membersOnly})
	}
	return list
}
