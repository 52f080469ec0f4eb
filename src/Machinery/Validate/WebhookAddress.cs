using Hanbae.Machinery.Cel.Functions;

namespace Hanbae.Machinery.Validate;

/// <summary>Where a webhook may be: a URL by itself, or a Service.</summary>
public static class WebhookAddress
{
    public static void Url(FieldPath at, string text, Errors errors)
    {
        const string form = "; desired format: https://host[/path]";
        if (Urls.Parse(text, request: false, out string? error) is not { } url) { errors.Required(at, $"url must be a valid URL: {error}{form}"); return; }
        if (url.Scheme != "https") errors.Invalid(at, url.Scheme, "'https' is the only allowed URL scheme" + form);
        if (url.Host.Length == 0) errors.Invalid(at, url.Host, "host must be specified" + form);
        if (url.User is { } user) errors.Invalid(at, user, "user information is not permitted in the URL");
        if (url.Fragment.Length > 0) errors.Invalid(at, url.Fragment, "fragments are not permitted in the URL");
        if (url.Query.Length > 0) errors.Invalid(at, url.Query, "query parameters are not permitted in the URL");
    }

    public static void Service(FieldPath at, string name, string ns, string? path, int port, Errors errors)
    {
        if (name.Length == 0) errors.Required(at["name"], "service name is required");
        if (ns.Length == 0) errors.Required(at["namespace"], "service namespace is required");
        if (port is < 1 or > 65535) errors.Invalid(at["port"], port, "port is not valid: must be between 1 and 65535, inclusive");
        if (path is null or "" or "/") return;
        if (path == "//") { errors.Invalid(at["path"], path, "segment[0] may not be empty"); return; }
        if (path[0] != '/') errors.Invalid(at["path"], path, "must start with a '/'");
        string below = path[1..];
        string[] steps = (below.EndsWith('/') ? below[..^1] : below).Split('/');
        for (int i = 0; i < steps.Length; i++)
            if (steps[i].Length == 0) errors.Invalid(at["path"], path, $"segment[{i}] may not be empty");
            else foreach (string wrong in Names.Subdomain(steps[i])) errors.Invalid(at["path"], path, $"segment[{i}]: {wrong}");
    }
}
