"""Test what people read: pages, mails, texts, catalogues."""
