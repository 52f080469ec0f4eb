using System.Text;
using Hanbae.Api.Rest;

namespace Hanbae.Controllers.Tests.Faults;

/// <summary>A watch as it is on a line, which breaks after so many bytes once it is torn.</summary>
/// <param name="torn">How often watches have been torn; this one is when that grows.</param>
sealed class TornStream(IAsyncEnumerable<ApiEvent> events, int bytes, Func<int> torn, CancellationToken ct) : Stream
{
    readonly IAsyncEnumerator<ApiEvent> _events = events.GetAsyncEnumerator(ct);
    readonly int _before = torn();
    ReadOnlyMemory<byte> _rest;
    int _left = bytes;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancel = default)
    {
        if (_rest.IsEmpty)
        {
            if (!await _events.MoveNextAsync()) return 0;
            var (type, obj) = _events.Current;
            _rest = (byte[])[.. Encoding.UTF8.GetBytes($"{{\"type\":\"{type}\",\"object\":"), .. obj.Kind().ToJson(obj), .. "}\n"u8];
        }
        int length = Math.Min(buffer.Length, _rest.Length);
        if (torn() > _before)
        {
            if (_left == 0) throw new IOException("the watch broke off");
            length = Math.Min(length, _left);
            _left -= length;
        }
        _rest[..length].CopyTo(buffer);
        _rest = _rest[length..];
        return length;
    }

    public override ValueTask DisposeAsync() => _events.DisposeAsync();

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override void Flush() { }
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
