using System.Net;
using Hanbae.Api.Rest;
using Hanbae.Kit;
using Microsoft.AspNetCore.Http;

namespace Hanbae.Client.Tests.Transport;

/// <summary>A Pod lives longer than what its service account came with: authority and token are exchanged beneath it.</summary>
public sealed class RotationTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("hanbae-rotation-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    static CancellationToken Soon => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;
    static readonly ApiRequest s_get = new() { Method = "GET", Path = "/" };

    /// <summary>As the kubelet writes a projected volume: a folder for each state, and a link that is exchanged.</summary>
    void Project(string name, byte[] content)
    {
        string state = Directory.CreateDirectory(Path.Combine(_folder, "..state-" + Guid.NewGuid().ToString("N"))).FullName;
        File.WriteAllBytes(Path.Combine(state, name), content);
        string data = Path.Combine(_folder, "..data");
        if (Directory.Exists(data)) Directory.Delete(data);
        Directory.CreateSymbolicLink(data, state);
        if (!File.Exists(Path.Combine(_folder, name))) File.CreateSymbolicLink(Path.Combine(_folder, name), Path.Combine("..data", name));
    }

    [Fact]
    public async Task An_authority_that_is_exchanged_is_trusted_from_the_next_line_on_and_no_other_name_is()
    {
        await using var server = await TlsServer.StartAsync(http => http.Response.WriteAsync("ok"));
        Project("ca.crt", new Authority().Pem);
        var config = server.Config with { CertificateAuthority = new(Path.Combine(_folder, "ca.crt"), default) };
        using var transport = new HttpTransport(config, TimeProvider.System);
        await Assert.ThrowsAsync<HttpRequestException>(() => transport.SendAsync(s_get, Soon).AsTask());

        Project("ca.crt", server.Authority.Pem);
        Assert.Equal(200, (await transport.SendAsync(s_get, Soon)).Code);

        using var misled = new HttpTransport(config with { TlsServerName = "elsewhere" }, TimeProvider.System);
        await Assert.ThrowsAsync<HttpRequestException>(() => misled.SendAsync(s_get, Soon).AsTask());
    }

    [Fact]
    public async Task A_token_that_is_refused_is_read_again_once()
    {
        var seen = new List<string>();
        await using var server = await TlsServer.StartAsync(http =>
        {
            lock (seen) seen.Add(http.Request.Headers.Authorization.ToString());
            if (http.Request.Headers.Authorization != "Bearer two") http.Response.StatusCode = 401;
            return Task.CompletedTask;
        });
        Project("token", "one"u8.ToArray());
        using var transport = new HttpTransport(server.Config with { TokenFile = Path.Combine(_folder, "token") }, new FakeTime());
        Assert.Equal(401, (await transport.SendAsync(s_get, Soon)).Code);
        Assert.Equal(["Bearer one"], seen);

        Project("token", "two"u8.ToArray());
        Assert.Equal(200, (await transport.SendAsync(s_get, Soon)).Code);
        Assert.Equal(["Bearer one", "Bearer one", "Bearer two"], seen);
    }
}
