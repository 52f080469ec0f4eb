using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;

namespace Hanbae.Kubelet.Server;

/// <summary>The node's own logs: the files beneath a folder, and, where that is allowed, what services of the machine said (KEP-2258).</summary>
sealed partial class NodeLogs(KubeletOptions options, TimeProvider time)
{
    const int Most = 100_000; // lines, as upstream
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    string Root => options.SystemLogFolder;

    public async Task ServeAsync(HttpContext context, string path)
    {
        if (options.EnableSystemLogQuery && context.Request.Query.ContainsKey("query")) await QueryAsync(context).ConfigureAwait(false);
        else await FileAsync(context, path).ConfigureAwait(false);
    }

    async Task FileAsync(HttpContext context, string path)
    {
        if (Within(path) is not { } file || !Path.Exists(file))
        {
            await KubeletServer.TextAsync(context, 404, "404 page not found\n").ConfigureAwait(false);
            return;
        }
        if (Directory.Exists(file))
        {
            if (!context.Request.Path.Value!.EndsWith('/'))
            {
                context.Response.Redirect(Path.GetFileName(file) + "/", permanent: true);
                return;
            }
            var text = new StringBuilder("<!doctype html>\n<meta name=\"viewport\" content=\"width=device-width\">\n<pre>\n");
            foreach (string name in Directory.EnumerateFileSystemEntries(file).Select(f => Path.GetFileName(f) + (Directory.Exists(f) ? "/" : "")).Order(StringComparer.Ordinal))
                text.Append(CultureInfo.InvariantCulture, $"<a href=\"{Uri.EscapeDataString(name).Replace("%2F", "/", StringComparison.Ordinal)}\">{WebUtility.HtmlEncode(name)}</a>\n");
            context.Response.ContentType = "text/html; charset=utf-8";
            await context.Response.WriteAsync(text.Append("</pre>\n").ToString(), context.RequestAborted).ConfigureAwait(false);
            return;
        }
        context.Response.ContentType = "text/plain; charset=utf-8";
        await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        await stream.CopyToAsync(context.Response.Body, context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>Null for paths that lead out of the folder, also by a link.</summary>
    string? Within(string path)
    {
        string root = Path.GetFullPath(Root), file = Path.GetFullPath(Path.Combine(root, path));
        if (file != root && !file.StartsWith(root + "/", StringComparison.Ordinal)) return null;
        if (!Path.Exists(file)) return file;
        string real = Volumes.Disk.Native.RealPath(file), within = Volumes.Disk.Native.RealPath(root);
        return real == within || real.StartsWith(within + "/", StringComparison.Ordinal) ? file : null;
    }

    async Task QueryAsync(HttpContext context)
    {
        var query = context.Request.Query;
        string[] asked = [.. query["query"].Select(q => (q ?? "").Trim()).Where(q => q.Length > 0)];
        string[] files = [.. asked.Where(q => q.Contains('/'))], services = [.. asked.Except(files)];
        if (Wrong(query, files, services) is { } wrong)
        {
            await KubeletServer.TextAsync(context, 406, wrong).ConfigureAwait(false);
            return;
        }
        context.Response.ContentType = "text/plain; charset=utf-8";
        if (files.Length == 1)
        {
            if (Within(files[0].TrimStart('/')) is { } file && File.Exists(file)) await SendAsync(context, File.ReadLines(file), query).ConfigureAwait(false);
            else await KubeletServer.TextAsync(context, 404, $"open {files[0]}: no such file or directory\n").ConfigureAwait(false);
            return;
        }
        foreach (string service in services)
            await SendAsync(context, await JournalAsync(service, query, context.RequestAborted).ConfigureAwait(false) ?? FilesOf(service), query).ConfigureAwait(false);
    }

    static string? Wrong(IQueryCollection query, string[] files, string[] services) =>
        files.Length + services.Length == 0 ? "no query specified"
        : files.Length > 1 ? "can only specify one file at a time"
        : files.Length > 0 && services.Length > 0 ? "cannot specify both a service and a file"
        : files.Length > 0 && files[0].Contains("..", StringComparison.Ordinal) ? "path traversal is not allowed"
        : services.FirstOrDefault(s => !Name().IsMatch(s)) is { } name ? $"service name \"{name}\" is invalid"
        : query["tailLines"].ToString() is { Length: > 0 } lines && (!int.TryParse(lines, NumberStyles.None, CultureInfo.InvariantCulture, out int tail) || tail > Most) ? $"tailLines must be between 0 and {Most}"
        : query["boot"].ToString() is { Length: > 0 } boot && (!int.TryParse(boot, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int at) || at > 0) ? "boot must be 0 or less"
        : Times(query).FirstOrDefault(t => t.At is null).Name is { } bad ? $"{bad} is not an RFC3339 time"
        : null;

    static IEnumerable<(string Name, DateTimeOffset? At)> Times(IQueryCollection query) => from name in (string[])["sinceTime", "untilTime"]
        let text = query[name].ToString() where text.Length > 0
        select (name, DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : (DateTimeOffset?)null);

    /// <returns>Null where there is no journal, or nothing of that service in it.</returns>
    async Task<IEnumerable<string>?> JournalAsync(string service, IQueryCollection query, CancellationToken ct)
    {
        List<string> arguments = ["--utc", "--no-pager", "--output=short-precise", "--unit=" + service];
        foreach (var (name, at) in Times(query)) arguments.Add($"--{(name == "sinceTime" ? "since" : "until")}={at!.Value.UtcDateTime:yyyy-MM-dd HH:mm:ss}");
        if (query["tailLines"].ToString() is { Length: > 0 } tail) arguments.Add("--lines=" + tail);
        if (query["pattern"].ToString() is { Length: > 0 } pattern) arguments.Add("--grep=" + pattern);
        if (query["boot"].ToString() is { Length: > 0 } boot) arguments.Add("--boot=" + boot);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(s_patience);
        try
        {
            using var process = Process.Start(new ProcessStartInfo("journalctl", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var error = process.StandardError.ReadToEndAsync(patience.Token);
            string text = await process.StandardOutput.ReadToEndAsync(patience.Token).ConfigureAwait(false);
            await process.WaitForExitAsync(patience.Token).ConfigureAwait(false);
            await error.ConfigureAwait(false);
            return process.ExitCode == 0 && text.Length > 0 && !text.StartsWith("-- No entries --", StringComparison.Ordinal) ? text.TrimEnd('\n').Split('\n') : null;
        }
        catch (Exception e) when (e is Win32Exception or OperationCanceledException && !ct.IsCancellationRequested) { return null; } // no journal on this machine
    }

    /// <summary>Where services leave their logs that do not write to a journal; upstream's three places.</summary>
    IEnumerable<string> FilesOf(string service) =>
        ((string[])[$"{service}.log", $"{service}/{service}.log", service]).Select(Within).FirstOrDefault(f => f is not null && File.Exists(f)) is { } file ? File.ReadLines(file) : [$"journal: no entries of {service}"];

    async Task SendAsync(HttpContext context, IEnumerable<string> lines, IQueryCollection query)
    {
        if (query["pattern"].ToString() is { Length: > 0 } pattern)
        {
            var match = new Regex(pattern, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
            lines = lines.Where(l => match.IsMatch(l));
        }
        int most = query["tailLines"].ToString() is { Length: > 0 } tail ? int.Parse(tail, CultureInfo.InvariantCulture) : Most;
        long began = time.GetTimestamp();
        foreach (string line in lines.TakeLast(most))
        {
            if (time.GetElapsedTime(began) > s_patience) return;
            await context.Response.WriteAsync(line + "\n", context.RequestAborted).ConfigureAwait(false);
        }
    }

    [GeneratedRegex(@"^[a-zA-Z0-9_.:@][a-zA-Z0-9_.:@-]*\z")]
    private static partial Regex Name();
}
