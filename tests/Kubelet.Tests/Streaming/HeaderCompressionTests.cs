using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using Hanbae.Kubelet.Streaming.Spdy;

namespace Hanbae.Kubelet.Tests.Streaming;

public sealed class HeaderCompressionTests
{
    [Fact]
    public void The_dictionary_is_the_one_its_checksum_names()
    {
        uint a = 1, b = 0;
        foreach (byte x in SpdyDictionary.Bytes.Span) { a = (a + x) % 65521; b = (b + a) % 65521; }

        Assert.Equal(SpdyDictionary.Id, b << 16 | a);
        Assert.Equal(1423, SpdyDictionary.Bytes.Length);
    }

    [Fact]
    public async Task Blocks_compressed_by_zlib_with_the_dictionary_are_read_across_a_session()
    {
        // Python's zlib is the peer: one compressor, three blocks, each sync flushed; the last one large enough to span windows of the first.
        var blocks = await PythonAsync("""
            import zlib, sys, struct
            d = sys.stdin.buffer.read()
            c = zlib.compressobj(9, zlib.DEFLATED, 15, 8, zlib.Z_DEFAULT_STRATEGY, d)
            for hs in ([('streamtype','error')], [('streamtype','stdin'),('content-type','text/plain')], [('h%d' % i, 'get' * i) for i in range(80)]):
                b = struct.pack('>I', len(hs))
                for k, v in hs: b += struct.pack('>I', len(k)) + k.encode() + struct.pack('>I', len(v)) + v.encode()
                z = c.compress(b) + c.flush(zlib.Z_SYNC_FLUSH)
                sys.stdout.buffer.write(struct.pack('>I', len(z)) + z)
            """, SpdyDictionary.Bytes);

        using var inflater = new HeaderInflater();
        var first = inflater.Read(Next(ref blocks));
        var second = inflater.Read(Next(ref blocks));
        var third = inflater.Read(Next(ref blocks));

        Assert.Equal("error", first["streamType"]);
        Assert.Equal(["stdin", "text/plain"], second.Values);
        Assert.Equal(80, third.Count);
        Assert.Equal(string.Concat(Enumerable.Repeat("get", 79)), third["h79"]);
    }

    [Fact]
    public async Task What_is_written_is_plain_zlib_and_reads_back()
    {
        using var deflater = new HeaderDeflater();
        byte[] first = deflater.Write([new("streamType", "data"), new("port", "80")]), second = deflater.Write([]);

        var plain = await PythonAsync("import zlib, sys; d = zlib.decompressobj(); sys.stdout.buffer.write(d.decompress(sys.stdin.buffer.read()))", (byte[])[.. first, .. second]);
        using var inflater = new HeaderInflater();

        Assert.Equal("\0\0\0\u0002\0\0\0\u000astreamtype\0\0\0\u0004data\0\0\0\u0004port\0\0\0\u000280\0\0\0\0", Encoding.ASCII.GetString(plain.Span));
        Assert.Equal("80", inflater.Read(first)["port"]);
        Assert.Empty(inflater.Read(second));
    }

    [Theory]
    [InlineData("")]
    [InlineData("not zlib at all")]
    public void A_block_that_is_not_zlib_is_refused(string block)
    {
        using var inflater = new HeaderInflater();
        Assert.Throws<InvalidDataException>(() => inflater.Read(Encoding.ASCII.GetBytes(block)));
    }

    [Fact]
    public void A_block_that_inflates_beyond_the_bound_is_refused()
    {
        using var deflater = new HeaderDeflater();
        using var inflater = new HeaderInflater();
        var bomb = deflater.Write([new("a", new string('x', 1 << 20))]);

        Assert.True(bomb.Length < 16 * 1024);
        Assert.Throws<InvalidDataException>(() => inflater.Read(bomb));
    }

    [Fact]
    public void A_block_that_ends_early_is_refused()
    {
        using var deflater = new HeaderDeflater();
        using var inflater = new HeaderInflater();
        var block = deflater.Write([new("streamType", "data")]);

        Assert.Throws<InvalidDataException>(() => inflater.Read(block.AsSpan(0, block.Length / 2)));
    }

    static ReadOnlySpan<byte> Next(ref ReadOnlyMemory<byte> blocks)
    {
        int length = BinaryPrimitives.ReadInt32BigEndian(blocks.Span);
        var block = blocks.Slice(4, length);
        blocks = blocks[(4 + length)..];
        return block.Span;
    }

    static async Task<ReadOnlyMemory<byte>> PythonAsync(string program, ReadOnlyMemory<byte> input)
    {
        using var python = Process.Start(new ProcessStartInfo("python3", ["-c", program]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        await python.StandardInput.BaseStream.WriteAsync(input);
        python.StandardInput.Close();
        using var output = new MemoryStream();
        await python.StandardOutput.BaseStream.CopyToAsync(output);
        await python.WaitForExitAsync();
        Assert.Equal(0, python.ExitCode);
        return output.ToArray();
    }
}
