using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Hanbae.Kubelet.DBus;

/// <summary>Reads a Unix socket with the files that come along, which .NET's sockets drop: logind's lock is such a file.</summary>
static class UnixMessages
{
    const int MaxFiles = 16, CloseOnExec = 0x40000000, SocketLevel = 1, Rights = 1, ControlHeader = 16, Interrupted = 4;

    /// <summary>Waits for bytes.</summary>
    /// <returns>How many; 0 at the end.</returns>
    /// <exception cref="IOException"/>
    public static int Receive(SafeHandle socket, byte[] into, List<SafeFileHandle> files)
    {
        byte[] control = new byte[ControlHeader + MaxFiles * 4], part = new byte[16], header = new byte[56];
        GCHandle[] pins = [GCHandle.Alloc(into, GCHandleType.Pinned), GCHandle.Alloc(control, GCHandleType.Pinned), GCHandle.Alloc(part, GCHandleType.Pinned)];
        try
        {
            Put(part, 0, pins[0].AddrOfPinnedObject());
            Put(part, 8, into.Length);
            nint count;
            do
            {
                // struct msghdr on 64-bit Linux: name, its length, parts, their number, control, its length, flags.
                Put(header, 16, pins[2].AddrOfPinnedObject());
                Put(header, 24, 1);
                Put(header, 32, pins[1].AddrOfPinnedObject());
                Put(header, 40, control.Length);
                count = recvmsg(socket, header, CloseOnExec);
            }
            while (count < 0 && Marshal.GetLastPInvokeError() == Interrupted);
            if (count < 0) throw new IOException("recvmsg: " + Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError()));
            Collect(control.AsSpan(0, (int)BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(40))), files);
            return (int)count;
        }
        finally
        {
            foreach (var pin in pins) pin.Free();
        }
    }

    static void Collect(ReadOnlySpan<byte> control, List<SafeFileHandle> files)
    {
        while (control.Length >= ControlHeader)
        {
            int length = (int)BinaryPrimitives.ReadInt64LittleEndian(control);
            if (length < ControlHeader || length > control.Length) return;
            if (BinaryPrimitives.ReadInt32LittleEndian(control[8..]) == SocketLevel && BinaryPrimitives.ReadInt32LittleEndian(control[12..]) == Rights)
                for (int at = ControlHeader; at + 4 <= length; at += 4) files.Add(new(BinaryPrimitives.ReadInt32LittleEndian(control[at..]), ownsHandle: true));
            control = control[Math.Min(control.Length, (length + 7) / 8 * 8)..];
        }
    }

    static void Put(byte[] into, int at, nint value) => BinaryPrimitives.WriteInt64LittleEndian(into.AsSpan(at), value);

    [DllImport("libc")] public static extern uint geteuid();

    [DllImport("libc", SetLastError = true)] static extern nint recvmsg(SafeHandle socket, byte[] header, int flags);
}
