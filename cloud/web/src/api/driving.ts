/** Clients that only some pages need; they are loaded with those. */

import { createClient } from "@connectrpc/connect";
import { NotificationService } from "../gen/powerctl/v1/notification_pb";
import { PaymentService } from "../gen/powerctl/v1/payment_pb";
import { ReceiptService } from "../gen/powerctl/v1/receipt_pb";
import { ReservationService } from "../gen/powerctl/v1/reservation_pb";
import { transport } from "./clients";

export const notifications = createClient(NotificationService, transport);
export const payments = createClient(PaymentService, transport);
export const receipts = createClient(ReceiptService, transport);
export const reservations = createClient(ReservationService, transport);
