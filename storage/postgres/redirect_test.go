package postgres

import (
	"net"
	"strconv"

	"github.com/jackc/pgx/v5"
)

func portOf(port uint16) string { return strconv.Itoa(int(port)) }

// redirect lets connections go to another address.
func redirect(to *net.TCPAddr) func(*pgx.ConnConfig) {
	return func(c *pgx.ConnConfig) {
		c.Host, c.Port, c.TLSConfig, c.Fallbacks = to.IP.String(), uint16(to.Port), nil, nil
	}
}
