using Hanbae.Kit;
using Hanbae.Kubelet.Server;
using Microsoft.AspNetCore.Http;

namespace Hanbae.Kubelet.Tests.Server;

public sealed class NodeLogsTests : IDisposable
{
    readonly string _folder = Path.Combine(Path.GetTempPath(), "hanbae-logs-" + Guid.NewGuid().ToString("N")[..8]);

    public NodeLogsTests()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "log", "app"));
        File.WriteAllText(Path.Combine(_folder, "log", "sys.log"), "one\ntwo\nthree\n");
        File.WriteAllText(Path.Combine(_folder, "log", "app", "app.log"), "inner\n");
        File.WriteAllText(Path.Combine(_folder, "secret"), "secret\n");
        File.CreateSymbolicLink(Path.Combine(_folder, "log", "out"), Path.Combine(_folder, "secret"));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("/logs/sys.log", false, 200, "one\ntwo\nthree\n")]
    [InlineData("/logs/app/", false, 200, "<a href=\"app.log\">app.log</a>")]
    [InlineData("/logs/none", false, 404, "404 page not found\n")]
    [InlineData("/logs/../secret", false, 404, "404 page not found\n")]
    [InlineData("/logs/out", false, 404, "404 page not found\n")]
    [InlineData("/logs/?query=/sys.log&tailLines=2", true, 200, "two\nthree\n")]
    [InlineData("/logs/?query=/sys.log&pattern=^t", true, 200, "two\nthree\n")]
    [InlineData("/logs/?query=sys&tailLines=1", true, 200, "three\n")]
    [InlineData("/logs/?query=app", true, 200, "inner\n")]
    [InlineData("/logs/?query=/../secret", true, 406, "path traversal is not allowed")]
    [InlineData("/logs/?query=", true, 406, "no query specified")]
    [InlineData("/logs/?query=/a&query=/b", true, 406, "can only specify one file at a time")]
    [InlineData("/logs/?query=a;b", true, 406, "service name \"a;b\" is invalid")]
    [InlineData("/logs/?query=sys&tailLines=100001", true, 406, "tailLines must be between 0 and 100000")]
    [InlineData("/logs/?query=sys&boot=1", true, 406, "boot must be 0 or less")]
    [InlineData("/logs/?query=sys&sinceTime=now", true, 406, "sinceTime is not an RFC3339 time")]
    [InlineData("/logs/sys.log?query=none", false, 200, "one\ntwo\nthree\n")] // without the feature the query says nothing
    public async Task Files_and_services_are_read_and_nothing_outside(string url, bool queries, int status, string text)
    {
        var logs = new NodeLogs(new() { NodeName = "n", Folders = new(_folder, _folder), SystemLogFolder = Path.Combine(_folder, "log"), EnableSystemLogQuery = queries }, new FakeTime());
        var context = new DefaultHttpContext();
        int mark = url.IndexOf('?');
        (context.Request.Path, context.Request.QueryString) = (mark < 0 ? url : url[..mark], new(mark < 0 ? "" : url[mark..]));
        using var body = new MemoryStream();
        context.Response.Body = body;
        await logs.ServeAsync(context, context.Request.Path.Value!["/logs/".Length..]);
        Assert.Equal(status, context.Response.StatusCode);
        string said = System.Text.Encoding.UTF8.GetString(body.ToArray());
        if (text.StartsWith('<')) Assert.Contains(text, said); else Assert.Equal(text, said);
    }
}
