using System.IO.Compression;
using System.Text.Json;
using Hanbae.Server.OpenApi;

namespace Hanbae.Server.Tests.OpenApi;

public sealed class OpenApiHandlerTests
{
    static Task<TestServer> StartAsync() => TestServer.StartAsync(o => o with { Paths = new OpenApiHandler(() => []).Routes });

    [Fact]
    public async Task What_the_index_names_may_be_kept_for_good()
    {
        await using var server = await StartAsync();
        var index = await server.GetAsync("/openapi/v3");
        string url = JsonDocument.Parse(index.Body).RootElement.GetProperty("paths").GetProperty("apis/apps/v1").GetProperty("serverRelativeURL").GetString()!;
        Assert.StartsWith("/openapi/v3/apis/apps/v1?hash=", url);

        var document = await server.GetAsync(url);
        Assert.Equal((200, "application/json"), (document.Code, document.ContentType));
        Assert.Contains("immutable", document.Headers.CacheControl!.ToString());
        Assert.Contains("\"openapi\":\"3.0.0\"", document.Body);

        var again = await server.SendAsync("GET", url, headers: ("If-None-Match", document.Headers.ETag!.ToString()));
        Assert.Equal((304, ""), (again.Code, again.Body));
    }

    [Fact]
    public async Task An_old_hash_is_sent_on_to_the_current_one()
    {
        await using var server = await StartAsync();
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false, SslOptions = new() { RemoteCertificateValidationCallback = (_, _, _, _) => true } };
        using var http = new HttpClient(handler) { BaseAddress = server.Address };
        using var response = await http.GetAsync(new Uri("/openapi/v3/api/v1?hash=OLD", UriKind.Relative));
        Assert.Equal(301, (int)response.StatusCode);
        using var current = await http.GetAsync(response.Headers.Location);
        Assert.Equal(200, (int)current.StatusCode);
        Assert.StartsWith("{\"openapi\"", await current.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Whoever_reads_gzip_gets_it()
    {
        await using var server = await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/openapi/v2");
        request.Headers.TryAddWithoutValidation("Accept-Encoding", "gzip");
        using var response = await server.Http.SendAsync(request);
        Assert.Equal(["gzip"], response.Content.Headers.ContentEncoding);
        await using var plain = new GZipStream(await response.Content.ReadAsStreamAsync(), CompressionMode.Decompress);
        using var reader = new StreamReader(plain);
        Assert.Equal((await server.GetAsync("/openapi/v2")).Body, await reader.ReadToEndAsync());
    }

    [Theory]
    [InlineData("/openapi/v2", "application/com.github.proto-openapi.spec.v2.v1.0+protobuf", 200, "application/com.github.proto-openapi.spec.v2.v1.0+protobuf")]
    [InlineData("/openapi/v2", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf", 200, "application/com.github.proto-openapi.spec.v2.v1.0+protobuf")]
    [InlineData("/openapi/v2", "*/*", 200, "application/json")]
    [InlineData("/openapi/v2", "text/html", 406, "application/json")]
    [InlineData("/openapi/v3/api/v1", "application/com.github.proto-openapi.spec.v3.v1.0+protobuf", 406, "application/json")]
    [InlineData("/openapi/v3/apis/nosuch/v1", "application/json", 404, "text/plain; charset=utf-8")]
    public async Task Clients_get_a_form_they_read_or_hear_that_there_is_none(string path, string accept, int code, string type)
    {
        await using var server = await StartAsync();
        var answer = await server.GetAsync(path, accept);
        Assert.Equal((code, type), (answer.Code, answer.ContentType));
    }
}
