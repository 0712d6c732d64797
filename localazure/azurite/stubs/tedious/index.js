"use strict"; // see ../../README.md
