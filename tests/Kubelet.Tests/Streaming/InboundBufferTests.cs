using Hanbae.Kubelet.Streaming;

namespace Hanbae.Kubelet.Tests.Streaming;

public sealed class InboundBufferTests
{
    static readonly CancellationToken s_ct = CancellationToken.None;

    [Fact]
    public async Task A_full_buffer_holds_its_writer_until_half_is_read()
    {
        var buffer = new InboundBuffer();
        await buffer.ReceiveAsync(new byte[64 * 1024 - 1], s_ct);
        var full = buffer.ReceiveAsync(new byte[1], s_ct);
        Assert.False(full.IsCompleted);

        var read = new byte[32 * 1024 + 1];
        for (int have = 0; have < read.Length;) have += await buffer.ReadAsync(read.AsMemory(have), s_ct);

        await full;
    }

    [Fact]
    public async Task Discarding_frees_the_writer_for_good()
    {
        var buffer = new InboundBuffer();
        var full = buffer.ReceiveAsync(new byte[1 << 20], s_ct);
        Assert.False(full.IsCompleted);

        buffer.Discard();

        await full;
        await buffer.ReceiveAsync(new byte[1 << 20], s_ct);
    }

    [Fact]
    public async Task An_error_comes_after_the_bytes_before_it()
    {
        var buffer = new InboundBuffer();
        await buffer.ReceiveAsync(new byte[3], s_ct);
        buffer.End(new IOException("broken"));

        Assert.Equal(3, await buffer.ReadAsync(new byte[10], s_ct));
        await Assert.ThrowsAsync<IOException>(() => buffer.ReadAsync(new byte[10], s_ct).AsTask());
    }

    [Fact]
    public async Task What_comes_after_the_end_is_dropped()
    {
        var buffer = new InboundBuffer();
        buffer.End();
        await buffer.ReceiveAsync(new byte[3], s_ct);

        Assert.Equal(0, await buffer.ReadAsync(new byte[10], s_ct));
    }
}
