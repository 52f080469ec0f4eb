using System.Text;
using Hanbae.Api;
using Hanbae.Client.Tests.Transport;
using Hanbae.Kit;
using Microsoft.AspNetCore.Http;

namespace Hanbae.Client.Tests.Config;

/// <summary>Real programs give real credentials to a real server.</summary>
public sealed class ExecPluginTests : IDisposable
{
    static CancellationToken Soon => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("hanbae-exec-");
    readonly FakeTime _time = new(DateTimeOffset.UtcNow);

    public void Dispose() => _folder.Delete(recursive: true);

    string In(string file) => Path.Combine(_folder.FullName, file);
    int Calls => File.Exists(In("calls")) ? File.ReadAllLines(In("calls")).Length : 0;

    /// <summary>A plugin that says what the file <c>says</c> does, and notes that it was asked.</summary>
    ClusterConfig Plugin(TlsServer server, string version = "v1", string mode = "Never", string more = "")
    {
        string script = In("plugin");
        File.WriteAllText(script, $"#!/bin/sh\necho \"$1 $EXTRA\" >> {In("calls")}\necho \"$KUBERNETES_EXEC_INFO\" > {In("info")}\n{more}\ncat {In("says")}\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string yaml = $$"""
            current-context: c
            clusters: [{name: c, cluster: {server: "{{server.Address}}", certificate-authority-data: {{Convert.ToBase64String(server.Authority.Pem)}} } }]
            contexts: [{name: c, context: {cluster: c, user: u} }]
            users:
            - name: u
              user:
                exec:
                  apiVersion: client.authentication.k8s.io/{{version}}
                  command: ./plugin
                  args: [get-token]
                  env: [{name: EXTRA, value: more}]
                  interactiveMode: {{mode}}
                  provideClusterInfo: true
            """;
        return Kubeconfig.Parse(yaml, _folder.FullName).Resolve();
    }

    void Says(string status, string version = "v1") =>
        File.WriteAllText(In("says"), $$"""{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/{{version}}","status":{{status}}}""");

    static async Task<TlsServer> WhoAsync(Func<string, bool>? accepts = null) => await TlsServer.StartAsync(async http =>
    {
        string who = $"{(await http.Connection.GetClientCertificateAsync())?.Subject}{http.Request.Headers.Authorization}";
        http.Response.StatusCode = accepts?.Invoke(who) ?? true ? 200 : 401;
        await http.Response.WriteAsync(who);
    });

    static async Task<string> AskAsync(HttpTransport transport)
    {
        var answer = await transport.SendAsync(new() { Method = "GET", Path = "/" }, Soon);
        return answer.Code == 200 ? Encoding.UTF8.GetString(answer.Body.Span) : $"{answer.Code}";
    }

    [Theory]
    [InlineData("v1"), InlineData("v1beta1")]
    public async Task A_token_is_kept_until_it_expires(string version)
    {
        await using var server = await WhoAsync();
        Says($$"""{"token":"one","expirationTimestamp":"{{_time.GetUtcNow().AddMinutes(5):yyyy-MM-ddTHH:mm:ssZ}}"}""", version);
        using var transport = new HttpTransport(Plugin(server, version), _time);
        Assert.Equal("Bearer one", await AskAsync(transport));
        Assert.Equal("Bearer one", await AskAsync(transport));
        Assert.Equal(1, Calls);
        Assert.Equal("get-token more", File.ReadAllLines(In("calls"))[0]);
        string info = File.ReadAllText(In("info"));
        Assert.Contains($"\"apiVersion\":\"client.authentication.k8s.io/{version}\"", info, StringComparison.Ordinal);
        Assert.Contains("\"interactive\":false", info, StringComparison.Ordinal);
        Assert.Contains("\"server\":\"https://127.0.0.1:", info, StringComparison.Ordinal);

        Says("""{"token":"two"}""", version);
        _time.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal("Bearer two", await AskAsync(transport));
        _time.Advance(TimeSpan.FromDays(6));
        Assert.Equal("Bearer two", await AskAsync(transport));
        Assert.Equal(2, Calls);
    }

    [Fact]
    public async Task Many_requests_at_once_ask_once()
    {
        await using var server = await WhoAsync();
        Says("""{"token":"one"}""");
        using var transport = new HttpTransport(Plugin(server), _time);
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => AskAsync(transport))), who => Assert.Equal("Bearer one", who));
        Assert.Equal(1, Calls);
    }

    [Fact]
    public async Task What_the_server_no_longer_takes_is_asked_for_again_once()
    {
        string good = "Bearer one";
        await using var server = await WhoAsync(who => who == good);
        Says("""{"token":"one"}""");
        using var transport = new HttpTransport(Plugin(server), _time);
        Assert.Equal("Bearer one", await AskAsync(transport));
        good = "Bearer two";
        Says("""{"token":"two"}""");
        Assert.Equal("Bearer two", await AskAsync(transport));
        good = "nobody";
        Assert.Equal("401", await AskAsync(transport));
        Assert.Equal(3, Calls);
    }

    [Fact]
    public async Task A_certificate_is_shown_and_a_new_one_gets_lines_of_its_own()
    {
        await using var server = await WhoAsync();
        string Pair(string name)
        {
            var (certificate, key) = server.Authority.IssuePem(name);
            static string Quoted(byte[] pem) => Encoding.ASCII.GetString(pem).ReplaceLineEndings("\\n");
            return $$"""{"clientCertificateData":"{{Quoted(certificate)}}","clientKeyData":"{{Quoted(key)}}","expirationTimestamp":"{{_time.GetUtcNow().AddMinutes(5):yyyy-MM-ddTHH:mm:ssZ}}"}""";
        }
        Says(Pair("alice"));
        using var transport = new HttpTransport(Plugin(server), _time);
        Assert.Equal("CN=alice", await AskAsync(transport));
        Says(Pair("bob"));
        Assert.Equal("CN=alice", await AskAsync(transport));
        _time.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal("CN=bob", await AskAsync(transport));
    }

    [Theory]
    [InlineData("v1beta1", "{\"token\":\"one\"}", "", "Never", "not client.authentication.k8s.io/v1 ExecCredential")]
    [InlineData("v1", "{}", "", "Never", "neither token nor certificate")]
    [InlineData("v1", "{\"clientCertificateData\":\"x\"}", "", "Never", "a certificate without a key")]
    [InlineData("v1", "{\"token\":\"one\"}", "echo no luck >&2; exit 3", "Never", "exit code 3: no luck")]
    [InlineData("v1", "{\"token\":\"one\"}", "echo surprise", "Never", "no JSON")]
    public async Task A_plugin_that_fails_says_how(string version, string status, string more, string mode, string said)
    {
        await using var server = await WhoAsync();
        Says(status, version);
        using var transport = new HttpTransport(Plugin(server, mode: mode, more: more), _time);
        Assert.Contains(said, (await Assert.ThrowsAsync<ExecPluginException>(() => AskAsync(transport))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_plugin_that_is_not_there_comes_with_a_hint()
    {
        await using var server = await WhoAsync();
        var config = Plugin(server);
        using var transport = new HttpTransport(config with { Exec = config.Exec! with { Command = In("nothing"), InstallHint = "get it from the shelf" } }, _time);
        Assert.EndsWith("get it from the shelf", (await Assert.ThrowsAsync<ExecPluginException>(() => AskAsync(transport))).Message, StringComparison.Ordinal);
    }
}
