using System.Text;
using Hanbae.Api.Json;
using Hanbae.Machinery.Components;

namespace Hanbae.Machinery.Tests.Components;

/// <summary>As upstream's statusz_test.go and flagz_test.go.</summary>
public sealed class ComponentPagesTests
{
    const string Warning = "Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.\n";

    static readonly ComponentPages s_pages = new("test-server", "v1.36.3+x", () => ["/livez/ping", "/livez", "/readyz/log", "/", "/index.html", "/api/v1", "/apis", "/openapi/v3", "/.well-known/x", "/readyz"],
        new Dictionary<string, string> { ["secure-port"] = "6443", ["authorization-mode"] = "Node,RBAC" });

    [Theory]
    [InlineData("", "text")]
    [InlineData(" ", "text")]
    [InlineData("text/plain", "text")]
    [InlineData("text/*;q=0.5", "text")]
    [InlineData("*/*", "text")]
    [InlineData("application/xml", "none")]
    [InlineData("application/json", "none")]
    [InlineData("application/json;v=v1beta1;g=config.k8s.io", "none")]
    [InlineData("application/json;v=foo;g=config.k8s.io;as=~", "none")]
    [InlineData("application/json;v=foo;g=config.k8s.io;as=~,*/*", "text")]
    [InlineData("application/json;v=v1beta1;g=config.k8s.io;as=~", "v1beta1")]
    [InlineData("application/json;v=v1alpha1;g=config.k8s.io;as=~", "v1alpha1")]
    [InlineData("text/plain;q=0.5, application/json;as=~;g=config.k8s.io;v=v1beta1", "v1beta1")]
    [InlineData("application/json;v=v1beta1;g=config.k8s.io;as=Table", "none")]
    public void What_is_accepted_decides_what_is_told(string accept, string told)
    {
        foreach (var (kind, page) in (ReadOnlySpan<(string, Func<string, (string ContentType, byte[] Body)?>)>)[("Statusz", s_pages.Status), ("Flagz", s_pages.Flags)])
        {
            if (page(accept.Replace("~", kind, StringComparison.Ordinal)) is not var (type, body)) Assert.Equal("none", told);
            else if (type == "application/json")
            {
                var tree = (JsonObject)JsonValue.Parse(body);
                Assert.Equal((kind, "config.k8s.io/" + told, """{"name":"test-server"}"""), (tree["kind"]!.ToString().Trim('"'), tree["apiVersion"]!.ToString().Trim('"'), tree["metadata"]!.ToString()));
            }
            else
            {
                Assert.Equal(("text/plain; charset=utf-8", "text"), (type, told));
                Assert.StartsWith($"\ntest-server {kind.ToLowerInvariant()}\n{Warning}", Encoding.UTF8.GetString(body));
            }
        }
    }

    [Fact]
    public void A_status_says_which_version_since_when_and_what_else_can_be_asked_for()
    {
        string text = Encoding.UTF8.GetString(s_pages.Status("")!.Value.Body);
        Assert.Matches(@"\n\nStarted: \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d UTC \d{4}\nUp: \d+ hr \d\d min \d\d sec\nGo version:\nBinary version: 1\.36\.3\+x\nEmulation version: 1\.36\nPaths: /livez /readyz\n$", text);
        var tree = (JsonObject)JsonValue.Parse(s_pages.Status("application/json;v=v1beta1;g=config.k8s.io;as=Statusz")!.Value.Body);
        Assert.Equal(("\"1.36.3+x\"", "\"1.36\"", """["/livez","/readyz"]"""), (tree["binaryVersion"]!.ToString(), tree["emulationVersion"]!.ToString(), tree["paths"]!.ToString()));
        Assert.True(DateTimeOffset.Parse(tree["startTime"]!.ToString().Trim('"'), System.Globalization.CultureInfo.InvariantCulture) <= DateTimeOffset.UtcNow);
        Assert.IsType<JsonNumber>(tree["uptimeSeconds"]);
    }

    [Fact]
    public void Flags_are_told_in_order()
    {
        Assert.EndsWith(Warning + "authorization-mode=Node,RBAC\nsecure-port=6443\n", Encoding.UTF8.GetString(s_pages.Flags("text/plain")!.Value.Body), StringComparison.Ordinal);
        var tree = (JsonObject)JsonValue.Parse(s_pages.Flags("application/json;v=v1beta1;g=config.k8s.io;as=Flagz")!.Value.Body);
        Assert.Equal("""{"authorization-mode":"Node,RBAC","secure-port":"6443"}""", tree["flags"]!.ToString());
    }
}
