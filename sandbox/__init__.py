"""What Waybill talks to and is neither Waybill nor Azure: development stand-ins, never deployed."""
