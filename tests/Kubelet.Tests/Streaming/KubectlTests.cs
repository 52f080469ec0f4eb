using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Hanbae.Kubelet.Tests.Streaming;

/// <summary>Real kubectl against these servers, through the bridge, to a runtime: 1.28 speaks SPDY, 1.33 WebSocket v5 and tunnelled SPDY.</summary>
public sealed class KubectlTests(FakeCluster cluster) : IClassFixture<FakeCluster>
{
    [Theory, Kubectl("1.28"), Kubectl("1.33")]
    public async Task Standard_input_ends_and_what_was_typed_comes_back(string kubectl)
    {
        var (exit, output, error) = await cluster.RunAsync(cluster.Start(kubectl, "exec", "-i", "p", "--", "cat"), "hello\n"u8.ToArray());

        Assert.Equal((0, "hello\n", ""), (exit, Encoding.UTF8.GetString(output), error));
        Assert.Equal(kubectl.EndsWith("1.28", StringComparison.Ordinal) ? "SPDY/3.1 v4.channel.k8s.io" : "websocket v5.channel.k8s.io", cluster.LastUpgrade);
    }

    [Theory, Kubectl("1.28"), Kubectl("1.33")]
    public async Task Five_megabytes_through_cat_are_the_same_bytes(string kubectl)
    {
        var bytes = RandomNumberGenerator.GetBytes(5 << 20);
        var (exit, output, _) = await cluster.RunAsync(cluster.Start(kubectl, "exec", "-i", "p", "--", "cat"), bytes);

        Assert.Equal(0, exit);
        Assert.Equal(SHA256.HashData(bytes), SHA256.HashData(output));
    }

    [Theory, Kubectl("1.28"), Kubectl("1.33")]
    public async Task Exit_code_and_standard_error_reach_the_user(string kubectl)
    {
        var (exit, output, error) = await cluster.RunAsync(cluster.Start(kubectl, "exec", "p", "--", "sh", "-c", "echo out; echo err >&2; exit 7"));

        Assert.Equal((7, "out\n"), (exit, Encoding.UTF8.GetString(output)));
        Assert.StartsWith("err\n", error, StringComparison.Ordinal);
        Assert.Contains("command terminated with exit code 7", error, StringComparison.Ordinal);
    }

    [Theory, Kubectl("1.28"), Kubectl("1.33")]
    public async Task A_command_that_reads_only_part_of_its_input_ends_with_all_its_output(string kubectl)
    {
        // kubectl may log that its standard input was cut off, which it does before any server.
        var (exit, output, _) = await cluster.RunAsync(cluster.Start(kubectl, "exec", "-i", "p", "--", "head", "-c", "100000"), new byte[5 << 20]);

        Assert.Equal((0, 100_000), (exit, output.Length));
    }

    [Theory, Kubectl("1.28"), Kubectl("1.33")]
    public async Task An_unreachable_container_is_an_error_with_the_runtimes_words(string kubectl)
    {
        var (exit, _, error) = await cluster.RunAsync(cluster.Start(kubectl, "exec", "p", "--", "lost-token"));

        Assert.Equal(1, exit);
        Assert.Contains("unable to upgrade connection: 404 Not Found: no such token", error, StringComparison.Ordinal);
    }

    [Theory, Kubectl("1.28"), Kubectl("1.33")]
    public async Task The_terminals_size_is_told_at_the_start(string kubectl)
    {
        // kubectl wants a real terminal for -t; python lends it one of 40 rows and 123 columns.
        const string Terminal = """
            import fcntl, os, pty, struct, sys, termios
            pid, fd = pty.fork()
            if pid == 0:
                while struct.unpack('HHHH', fcntl.ioctl(0, termios.TIOCGWINSZ, b'\0' * 8))[0] == 0: pass
                os.execv(sys.argv[1], sys.argv[1:])
            fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 40, 123, 0, 0))
            out = b''
            try:
                while b := os.read(fd, 4096): out += b
            except OSError: pass
            sys.stdout.buffer.write(out)
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            """;
        var start = cluster.Start(kubectl, "exec", "-it", "p", "--", "sizes", "1");
        var args = start.ArgumentList.ToArray();
        start.ArgumentList.Clear();
        foreach (var arg in (string[])["-c", Terminal, kubectl, .. args]) start.ArgumentList.Add(arg);
        start.FileName = "python3";

        var (exit, output, _) = await cluster.RunAsync(start);

        Assert.Equal((0, "123x40"), (exit, Encoding.UTF8.GetString(output).Trim()));
    }

    [Theory, Kubectl("1.28"), Kubectl("1.33")]
    public async Task Files_are_copied_in_and_out(string kubectl)
    {
        var folder = Directory.CreateDirectory(Path.Combine(cluster.Scratch, Guid.NewGuid().ToString("N"))).FullName;
        var bytes = RandomNumberGenerator.GetBytes(1 << 20);
        await File.WriteAllBytesAsync(Path.Combine(folder, "there"), bytes);

        var @in = await cluster.RunAsync(cluster.Start(kubectl, "cp", $"{folder}/there", $"p:{folder}/inside"));
        var @out = await cluster.RunAsync(cluster.Start(kubectl, "cp", $"p:{folder}/inside", $"{folder}/back"));

        Assert.Equal((0, 0), (@in.Exit, @out.Exit));
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Path.Combine(folder, "back")));
    }

    [Theory, Kubectl("1.28"), Kubectl("1.33")]
    public async Task Several_forwarded_connections_run_at_once_each_with_its_own_bytes_and_end(string kubectl)
    {
        using var echo = new EchoServer();
        using var forward = Process.Start(cluster.Start(kubectl, "port-forward", "--address", "127.0.0.1", "p", $":{echo.Port}"))!;
        try
        {
            var line = await forward.StandardOutput.ReadLineAsync() ?? await forward.StandardError.ReadToEndAsync();
            int local = int.Parse(line["Forwarding from 127.0.0.1:".Length..line.IndexOf(" ->", StringComparison.Ordinal)], System.Globalization.CultureInfo.InvariantCulture);

            await Task.WhenAll(Enumerable.Range(0, 8).Select(async n =>
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, local);
                var bytes = RandomNumberGenerator.GetBytes(256 * 1024 + n);
                var send = Task.Run(async () => { await client.GetStream().WriteAsync(bytes); client.Client.Shutdown(SocketShutdown.Send); });
                using var back = new MemoryStream();
                await client.GetStream().CopyToAsync(back);
                await send;
                Assert.Equal(bytes, back.ToArray());
            }));
            Assert.Equal(kubectl.EndsWith("1.28", StringComparison.Ordinal) ? "SPDY/3.1 portforward.k8s.io" : "websocket SPDY/3.1+portforward.k8s.io", cluster.LastUpgrade);
        }
        catch (Exception e)
        {
            forward.Kill();
            Assert.Fail($"{e}\nkubectl said: {await forward.StandardError.ReadToEndAsync()}");
        }
        finally
        {
            forward.Kill();
            await forward.WaitForExitAsync();
        }
    }

    [Theory, Kubectl("1.28"), Kubectl("1.33")]
    public async Task A_port_nobody_listens_on_is_reported_and_the_forward_goes_on(string kubectl)
    {
        int closed;
        using (var probe = new EchoServer()) closed = probe.Port;
        using var forward = Process.Start(cluster.Start(kubectl, "port-forward", "--address", "127.0.0.1", "p", $":{closed}"))!;
        try
        {
            var line = (await forward.StandardOutput.ReadLineAsync())!;
            int local = int.Parse(line["Forwarding from 127.0.0.1:".Length..line.IndexOf(" ->", StringComparison.Ordinal)], System.Globalization.CultureInfo.InvariantCulture);
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, local);

            Assert.Equal(0, await client.GetStream().ReadAsync(new byte[1]));
            Assert.Contains("failed to connect to localhost", await forward.StandardError.ReadLineAsync(), StringComparison.Ordinal);
        }
        finally
        {
            forward.Kill();
            await forward.WaitForExitAsync();
        }
    }
}
