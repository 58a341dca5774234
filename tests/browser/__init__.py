"""The whole product in Chromium: real servers, real windows."""
