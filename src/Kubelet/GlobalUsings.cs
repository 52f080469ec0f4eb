global using Hanbae.Api;
