/* The yardstick: a Modbus/TCP server over select(), as small as libmodbus allows. Prints its port. */
#include <arpa/inet.h>
#include <modbus.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
    modbus_t *context = modbus_new_tcp("127.0.0.1", 0);
    modbus_mapping_t *map = modbus_mapping_new_start_address(0, 0, 0, 0, 40000, 876, 0, 0);
    int listener = modbus_tcp_listen(context, 64), highest = listener;
    struct sockaddr_in address;
    socklen_t size = sizeof(address);
    fd_set all, ready;

    if (map == NULL || listener < 0 || getsockname(listener, (struct sockaddr *) &address, &size) != 0)
        return 1;
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    FD_ZERO(&all);
    FD_SET(listener, &all);
    for (;;) {
        ready = all;
        if (select(highest + 1, &ready, NULL, NULL, NULL) < 0)
            return 1;
        for (int one = 0; one <= highest; one++) {
            uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
            if (!FD_ISSET(one, &ready))
                continue;
            if (one == listener) {
                int fresh = accept(listener, NULL, NULL);
                if (fresh >= 0) {
                    FD_SET(fresh, &all);
                    highest = fresh > highest ? fresh : highest;
                }
                continue;
            }
            modbus_set_socket(context, one);
            int length = modbus_receive(context, query);
            if (length > 0) {
                modbus_reply(context, query, length, map);
            } else if (length < 0) {
                close(one);
                FD_CLR(one, &all);
            }
        }
    }
}
